"""What each setting is, in words that segments' own words can be compared with, and what goes well with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SettingGuide:
    """An art director's note on one setting; lists are in order of preference."""

    description: str
    lights: tuple[str, ...]
    moods: tuple[str, ...]
    seasons: tuple[str, ...]
    props: tuple[str, ...]
    accents: tuple[str, ...]
    neutral: bool = False
    """Suits anything and tells no story: taken only when no place fits the segment better."""
    occasion: str = ""
    """Regular expression: a feast is shown only to a segment whose own words name it."""


GUIDES: dict[str, SettingGuide] = {
    "studio_sweep": SettingGuide(
        "a plain photo studio backdrop, clean and simple, comparing products and prices, everyday basics",
        ("studio_soft", "window_left", "window_right"),
        ("calm", "premium", "fresh"),
        ("all",),
        ("none",),
        ("#e9e4dc", "#dfe6ea", "#f1e7df", "#d8dde3"),
        neutral=True,
    ),
    "color_block": SettingGuide(
        "bold flat colours, playful pop design, fashion, parties, celebrating, gifts and young style",
        ("studio_soft", "window_right"),
        ("playful", "energetic", "fresh"),
        ("all", "summer"),
        ("none", "confetti", "citrus"),
        ("#f2b441", "#e86a4f", "#3f8f8b", "#7a6fd0"),
        neutral=True,
    ),
    "wood_table": SettingGuide(
        "a wooden dining table at home, family meals, breakfast, a cosy evening with friends",
        ("window_left", "window_right", "golden_hour"),
        ("cosy", "calm"),
        ("all", "autumn", "winter"),
        ("plant", "coffee_beans", "leaves", "none"),
        ("#b98a5e", "#8a5a36", "#d9b58b", "#6f7f5a"),
        neutral=True,
    ),
    "marble_counter": SettingGuide(
        "a bright marble counter, clean eating, low sugar, light and balanced diet, mindful well-being, "
        "purity",
        ("cool_morning", "window_left", "studio_soft"),
        ("fresh", "premium", "calm"),
        ("all", "spring"),
        ("citrus", "leaves", "plant", "none"),
        ("#e8eaec", "#c9d3cf", "#f0e9df", "#aebfb6"),
    ),
    "stone_plinth": SettingGuide(
        "a stone plinth like in a gallery, premium quality, luxury, design objects, a special gift",
        ("window_right", "studio_soft", "golden_hour"),
        ("premium", "calm"),
        ("all",),
        ("pebbles", "none", "leaves"),
        ("#b8aca0", "#8d8a86", "#d6cfc4", "#5e6468"),
        neutral=True,
    ),
    "linen_fabric": SettingGuide(
        "soft linen fabric, a slow weekend at home, relaxing, natural materials, a quiet bedroom, self-care",
        ("window_left", "cool_morning", "window_right"),
        ("calm", "cosy"),
        ("all", "spring"),
        ("leaves", "none", "plant"),
        ("#e6dccb", "#cdbfa8", "#d9cfd0", "#a9ab93"),
        neutral=True,
    ),
    "kitchen_counter": SettingGuide(
        "a kitchen counter at home, cooking and baking, filling the pantry, family lunch, a small first "
        "kitchen",
        ("window_right", "cool_morning", "window_left"),
        ("fresh", "cosy", "calm"),
        ("all", "spring"),
        ("citrus", "leaves", "plant", "none"),
        ("#dfe3da", "#c98b5a", "#8fa38a", "#f0e2c8"),
    ),
    "office_desk": SettingGuide(
        "an office desk, working at the computer, meetings and calls, a break between tasks, business",
        ("window_left", "window_right", "studio_soft"),
        ("calm", "fresh", "premium"),
        ("all",),
        ("laptop_edge", "books", "plant"),
        ("#d5dbe1", "#3d5a73", "#b7a58c", "#7f9aa8"),
    ),
    "study_night": SettingGuide(
        "a desk lamp at night, a student learning for exams, reading books and notes late, concentration",
        ("night_lamp",),
        ("cosy", "calm"),
        ("all", "winter", "autumn"),
        ("books", "laptop_edge"),
        ("#2b3350", "#e0a54c", "#463a32", "#6d7fa8"),
    ),
    "gym_floor": SettingGuide(
        "a gym floor, fitness training, running, workout with weights, sport and exercise, before a workout",
        ("cool_morning", "studio_soft", "window_right"),
        ("energetic", "fresh"),
        ("all",),
        ("dumbbell", "towel"),
        ("#2e3338", "#d7e04a", "#e4572e", "#6c7a86"),
    ),
    "forest_trail": SettingGuide(
        "a forest trail, hiking and walking among trees, nature, trail running, a walk with the dog",
        ("golden_hour", "cool_morning"),
        ("fresh", "calm", "energetic"),
        ("autumn", "spring", "summer"),
        ("pine_cones", "leaves", "pebbles"),
        ("#4f6b45", "#8a6a42", "#c7a34f", "#2f4033"),
    ),
    "mountain_camp": SettingGuide(
        "a camp in the mountains, tent, outdoor adventure, climbing, ski slope, rucksack, sunrise on a tour",
        ("golden_hour", "cool_morning"),
        ("energetic", "fresh", "calm"),
        ("summer", "autumn", "winter"),
        ("lantern", "pebbles", "pine_cones"),
        ("#d98b4a", "#3f5568", "#a9b7c0", "#6b5b4b"),
    ),
    "beach_sand": SettingGuide(
        "a sandy beach by the sea, summer holiday, swimming, sunshine, travel and vacation",
        ("golden_hour", "cool_morning"),
        ("fresh", "playful", "calm"),
        ("summer",),
        ("shells", "pebbles", "towel"),
        ("#e9d3a6", "#5fa9b5", "#f2a65a", "#2f6f87"),
    ),
    "city_night": SettingGuide(
        "city lights at night, commuting by train, going out, concerts and clubs, street style, gaming",
        ("night_lamp",),
        ("energetic", "premium", "playful"),
        ("all", "winter"),
        ("none",),
        ("#1f2340", "#e0457b", "#3fb6c9", "#f0a93b"),
    ),
    "workshop_bench": SettingGuide(
        "a workshop bench, repairing, drilling, sawing, painting and building with tools, do it "
        "yourself, crafts",
        ("window_left", "window_right", "night_lamp"),
        ("energetic", "calm"),
        ("all",),
        ("tools", "none"),
        ("#a8703f", "#4a5560", "#d9a441", "#7d8a70"),
    ),
    "garden_lawn": SettingGuide(
        "a garden lawn, planting flowers, patio and barbecue, picnic, children and families playing outside",
        ("golden_hour", "cool_morning"),
        ("fresh", "playful", "calm"),
        ("spring", "summer"),
        ("leaves", "plant", "pebbles"),
        ("#6fa04f", "#f0c94d", "#d9694f", "#3e6b4a"),
    ),
    "vanity_shelf": SettingGuide(
        "a vanity shelf with a mirror, skin care and make-up routine, bathroom, dressing table, getting "
        "ready",
        ("window_left", "studio_soft", "window_right"),
        ("calm", "premium", "fresh"),
        ("all", "spring"),
        ("plant", "towel", "leaves", "none"),
        ("#f0dcd6", "#c79a8b", "#e9e2d8", "#a7b8ad"),
    ),
    "cafe_table": SettingGuide(
        "a table in a cafe, meeting friends, chatting, a weekend brunch, pastries, people watching",
        ("window_left", "window_right", "golden_hour"),
        ("cosy", "playful", "calm"),
        ("all", "autumn", "spring"),
        ("coffee_beans", "books", "plant"),
        ("#a5694f", "#e3cba8", "#5d6b57", "#c98f6a"),
    ),
    "paint_steps": SettingGuide(
        "painted steps in a photo studio, modern design, new arrivals, fashion and trends",
        ("studio_soft", "window_right", "window_left"),
        ("playful", "fresh", "calm"),
        ("all",),
        ("none",),
        ("#e9c46a", "#e07a5f", "#81b29a", "#a99bd1"),
        neutral=True,
    ),
    "paper_flatlay": SettingGuide(
        "sheets of coloured paper seen from above, planning, drawing, back to school, creative hobbies",
        ("window_left", "window_right", "cool_morning"),
        ("playful", "fresh", "calm"),
        ("all",),
        ("none", "confetti", "leaves"),
        ("#f2c14e", "#7fb7be", "#d9a5b3", "#8ab17d"),
        neutral=True,
    ),
    "wood_flatlay": SettingGuide(
        "wooden planks seen from above, laid out and packed, getting things together before leaving",
        ("window_left", "window_right", "cool_morning"),
        ("calm", "cosy", "fresh"),
        ("all", "autumn"),
        ("leaves", "none", "coffee_beans"),
        ("#b98a5e", "#7d8f69", "#d9b58b", "#5d6b7a"),
        neutral=True,
    ),
    "picnic_blanket": SettingGuide(
        "a picnic blanket on the grass, a picnic in the park with friends and children, snacks and "
        "fruit outside",
        ("cool_morning", "golden_hour"),
        ("fresh", "playful"),
        ("summer", "spring"),
        ("citrus", "leaves", "none"),
        ("#d64545", "#3f6fb0", "#4f8a5b", "#e8a33d"),
    ),
    "silk_drape": SettingGuide(
        "draped silk, elegance, an evening dress, jewellery, a wedding, luxury and romance",
        ("studio_soft", "window_left", "window_right"),
        ("premium", "calm"),
        ("all",),
        ("none",),
        ("#d9b8a8", "#8a6f8f", "#c9b37e", "#7f95a3"),
        neutral=True,
    ),
    "living_room": SettingGuide(
        "a living room with a sofa, interior design and decorating, moving house, new season at home, "
        "family evening",
        ("window_left", "window_right", "golden_hour"),
        ("calm", "cosy", "fresh"),
        ("all", "autumn"),
        ("none", "books", "plant"),
        ("#c8a27c", "#7f9183", "#d8c9b5", "#a86f5b"),
    ),
    "bathroom_shelf": SettingGuide(
        "a tiled bathroom, bath and shower, washing, hair and body care, morning and evening routine, "
        "bath time",
        ("cool_morning", "studio_soft", "window_left"),
        ("fresh", "calm"),
        ("all", "spring"),
        ("towel", "leaves", "pebbles", "none"),
        ("#9cc3c4", "#e6d5c3", "#7fa38c", "#d7a9a0"),
    ),
    "window_sill": SettingGuide(
        "a bright window sill with plants, house plants, a quiet morning by the window, reading, daylight",
        ("window_left", "window_right", "cool_morning"),
        ("fresh", "calm", "cosy"),
        ("spring", "all"),
        ("leaves", "none", "books"),
        ("#8fb08c", "#d9c2a0", "#a9c4cf", "#c77f5b"),
    ),
    "kids_room": SettingGuide(
        "a nursery or children's room, babies and toddlers, toys and play, parents at home, bedtime",
        ("window_left", "window_right", "studio_soft"),
        ("playful", "calm", "fresh"),
        ("all",),
        ("none",),
        ("#f2b880", "#8fb9c9", "#e39aa5", "#9fc08f"),
    ),
    "wardrobe_rail": SettingGuide(
        "a clothes rail, choosing an outfit, getting dressed, fashion and style, wardrobe",
        ("studio_soft", "window_left", "window_right"),
        ("calm", "premium", "playful"),
        ("all",),
        ("none",),
        ("#d8c4b0", "#8fa3a8", "#c98f7a", "#6f7a68"),
    ),
    "hallway_pegs": SettingGuide(
        "a hallway with pegs, leaving the house, on the way to work, school run, commuting, walking the dog",
        ("window_left", "window_right", "cool_morning"),
        ("calm", "fresh", "cosy"),
        ("all", "autumn"),
        ("none",),
        ("#a9b8a4", "#c9a27e", "#8fa6b8", "#d6c2a8"),
    ),
    "bench_flatlay": SettingGuide(
        "a workbench seen from above, hand tools laid out, repairing, woodworking, measuring and marking, crafts",
        ("window_left", "window_right", "night_lamp"),
        ("energetic", "calm"),
        ("all",),
        ("none",),
        ("#a8703f", "#4a5560", "#d9a441", "#7d8a70"),
    ),
    "pegboard": SettingGuide(
        "a tool board on a garage wall, every tool on its hook, tidy workshop, repairs after work",
        ("window_left", "studio_soft", "window_right"),
        ("calm", "energetic", "fresh"),
        ("all",),
        ("none",),
        ("#b98a4e", "#3f5f73", "#d0552f", "#6f7d58"),
    ),
    "dust_sheet_flatlay": SettingGuide(
        "a dust sheet on the floor, painting walls, moving into a new flat, a first tool box, small repairs at home",
        ("window_left", "window_right", "cool_morning"),
        ("energetic", "fresh", "calm"),
        ("all", "spring"),
        ("none",),
        ("#4f8a8b", "#e0a44a", "#c8664f", "#6f8f5f"),
    ),
    "renovation_room": SettingGuide(
        "a room under renovation, painting walls, moving into a new flat, home improvement, a "
        "contractor on site",
        ("window_left", "window_right", "cool_morning"),
        ("energetic", "fresh", "calm"),
        ("all", "spring"),
        ("tools", "none"),
        ("#4f8a8b", "#e0a44a", "#c8664f", "#6f8f5f"),
    ),
    "potting_bench": SettingGuide(
        "a potting bench in a greenhouse, sowing and growing seedlings, gardening, houseplants, vegetables",
        ("cool_morning", "golden_hour", "window_left"),
        ("fresh", "calm"),
        ("spring", "summer"),
        ("leaves", "plant", "pebbles", "none"),
        ("#6fa04f", "#c87f52", "#e3c86f", "#3e6b4a"),
    ),
    "market_stall": SettingGuide(
        "a farmers' market stall, fresh fruit and vegetables, grocery shopping, organic food, regional "
        "and seasonal",
        ("cool_morning", "window_left", "golden_hour"),
        ("fresh", "playful", "cosy"),
        ("summer", "autumn", "all"),
        ("citrus", "leaves", "none"),
        ("#4f8f4a", "#d9503f", "#f0b43d", "#a5694f"),
    ),
    "deck_terrace": SettingGuide(
        "a wooden terrace in the evening, balcony, garden furniture and lights, barbecue with "
        "neighbours, summer nights",
        ("golden_hour", "night_lamp", "cool_morning"),
        ("cosy", "calm", "fresh"),
        ("summer", "spring"),
        ("lantern", "plant", "none"),
        ("#e0a45a", "#5d7a5a", "#a8704a", "#3f4f5f"),
    ),
    "winter_snow": SettingGuide(
        "snow in a winter forest, skiing and snowboarding, sledging, cold clear day, warm clothes",
        ("cool_morning", "studio_soft", "window_left"),
        ("fresh", "calm", "energetic"),
        ("winter",),
        ("pine_cones", "none"),
        ("#9fb8cf", "#d9534a", "#e8edf2", "#4f6f7f"),
    ),
    "neon_setup": SettingGuide(
        "a gaming room lit by neon, playing video games, streaming, e-sport, music production, night owls",
        ("night_lamp",),
        ("energetic", "playful"),
        ("all",),
        ("none",),
        ("#e0457b", "#3fb6c9", "#7a4fd0", "#f0a93b"),
    ),
    "christmas_tree": SettingGuide(
        "a Christmas tree with lights and presents, Christmas shopping, Advent, gifts for the family",
        ("night_lamp", "window_left"),
        ("cosy", "premium"),
        ("winter",),
        ("pine_cones", "none"),
        ("#a83232", "#2f5d46", "#d9b25f", "#f0e6d6"),
        occasion=r"\b(christmas|xmas|advent|santa|noel|weihnacht\w*)\b",
    ),
    "lunar_new_year": SettingGuide(
        "Lunar New Year with red lanterns and plum blossom, spring festival, family reunion dinner, red "
        "gifts",
        ("studio_soft", "night_lamp"),
        ("playful", "premium", "energetic"),
        ("spring", "winter"),
        ("none",),
        ("#c8232c", "#e0b04a", "#f2d6c2", "#7d1720"),
        occasion=r"\b(lunar new year|chinese new year|spring festival|tet)\b|春节|新年",
    ),
    "diwali_lamps": SettingGuide(
        "Diwali with oil lamps and marigolds, festival of lights, sweets and gifts for the family",
        ("night_lamp", "golden_hour"),
        ("cosy", "energetic"),
        ("autumn",),
        ("none",),
        ("#e08a2e", "#8f2f6f", "#f0c04a", "#5f1f4f"),
        occasion=r"\b(diwali|deepavali|festival of lights)\b",
    ),
    "ramadan_lanterns": SettingGuide(
        "Ramadan evening with lanterns and a crescent moon, iftar with family, Eid gifts and sweets",
        ("night_lamp",),
        ("cosy", "premium", "calm"),
        ("all",),
        ("none",),
        ("#c9a24a", "#2f3f6a", "#6f8fae", "#e6cf9a"),
        occasion=r"\b(ramadan|ramazan|iftar|eid|suhoor)\b|رمضان|عيد",
    ),
    "birthday_party": SettingGuide(
        "a birthday party with balloons and presents, celebrating with friends, a present for someone",
        ("studio_soft", "window_left", "window_right"),
        ("playful", "fresh"),
        ("all",),
        ("confetti", "none"),
        ("#f28a8a", "#f2c14e", "#7fb7d9", "#b590d0"),
        occasion=r"\b(birthdays?|anniversar\w+|geburtstag\w*|celebrat\w+|part(?:y|ies))\b",
    ),
}
