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
        "a bright marble counter, clean eating, low sugar, light and balanced diet, mindful well-being, purity",
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
        "a kitchen counter at home, cooking and baking, filling the pantry, family lunch, a small first kitchen",
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
        "a workshop bench, repairing, drilling, sawing, painting and building with tools, do it yourself, crafts",
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
        "a vanity shelf with a mirror, skin care and make-up routine, bathroom, dressing table, getting ready",
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
}
