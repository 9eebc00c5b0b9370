"""What kind of thing a product is, from the words of its category and title; where such a thing may stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ANYWHERE = "studio_sweep color_block stone_plinth paint_steps"


@dataclass(frozen=True)
class Kind:
    """A kind of product: the words that give it away, the settings it may stand in, and the props it tolerates."""

    name: str
    words: str
    settings: str
    props: str = "plant leaves"
    phrases: str = ""
    """Name of its phrase bank when it shares one."""
    stands: bool = True
    """False for what cannot stand by itself, as a jacket: it hangs or lies, and is never put on the ground."""
    size_cm: int = 22
    """Usual longest side, where the product's facts do not say."""

    @property
    def allowed(self) -> frozenset[str]:
        """Settings in which the thing looks as if somebody had put it there."""
        return frozenset(f"{_ANYWHERE if self.stands else ''} {self.settings}".split())

    @property
    def bank(self) -> str:
        """The phrase bank that speaks of it."""
        return self.phrases or self.name


_TABLES = "wood_table linen_fabric cafe_table"
_OUTSIDE = "forest_trail mountain_camp beach_sand garden_lawn"

_KITCHEN_SETTINGS = (
    f"{_TABLES} marble_counter kitchen_counter window_sill office_desk study_night gym_floor "
    f"deck_terrace {_OUTSIDE}"
)
_KITCHEN_PROPS = (
    "citrus leaves plant coffee_beans books laptop_edge towel dumbbell lantern pine_cones pebbles"
)

# The first kind whose words fit wins, in each text; special things stand before general ones.
KINDS = (
    Kind(
        "pet",
        "pet dog cat leash collar aquarium",
        f"wood_table linen_fabric kitchen_counter living_room {_OUTSIDE} city_night",
        "leaves pine_cones pebbles shells",
        "thing",
    ),
    Kind(
        "baby",
        "baby nursery pram nappy feeding",
        "wood_table linen_fabric kitchen_counter garden_lawn kids_room living_room",
        "leaves plant",
    ),
    Kind(
        "fitness",
        "strength yoga dumbbell dumbbells kettlebell workout pilates gym barbell balls "
        "basketball football volleyball",
        "gym_floor living_room wood_table garden_lawn city_night beach_sand deck_terrace",
        "towel dumbbell plant",
        size_cm=35,
    ),
    Kind(
        "jewellery",
        "jewelry jewellery bracelet necklace earring ring pendant brooch wristwatch",
        "linen_fabric marble_counter vanity_shelf silk_drape window_sill paper_flatlay beach_sand "
        "cafe_table city_night",
        "leaves pebbles shells confetti",
        size_cm=5,
    ),
    Kind(
        "beauty",
        "beauty makeup make-up cosmetic cosmetics mascara lipstick concealer eyeliner eyeshadow lip balm "
        "lotion cream serum shampoo soap bath bathing grooming perfume fragrance skincare skin nail "
        "toothbrush sunscreen",
        "linen_fabric marble_counter vanity_shelf bathroom_shelf window_sill silk_drape beach_sand "
        "city_night office_desk",
        "leaves plant citrus towel pebbles shells",
        size_cm=13,
    ),
    Kind(
        "garden",
        "garden gardening hose sprinkler fertilizer planter soil mulch pruning pruner watering lawn "
        "trowel rake",
        "garden_lawn workshop_bench wood_table potting_bench deck_terrace",
        "leaves plant pebbles",
        size_cm=35,
    ),
    Kind(
        "supply",
        "paint primer stain polyurethane hardware screw nail bolt washer hinge lock bracket caster lumber "
        "plywood drywall insulation osb molding moulding trim concrete cement post electrical wire outlet switch "
        "breaker conduit junction plumbing pipe fitting valve faucet toilet drain putty teflon tape "
        "roller varnish",
        "workshop_bench wood_table garden_lawn renovation_room",
        "tools",
        "make",
    ),
    Kind(
        "tool",
        "tool tools drill impact saw sander grinder router jigsaw driver pegboard workbench toolbox measuring level "
        "multitool",
        "workshop_bench wood_table garden_lawn renovation_room",
        "tools",
        "make",
        size_cm=28,
    ),
    Kind(
        "hand tool",
        "hammer screwdriver wrench plier allen chisel rasp",
        "bench_flatlay pegboard dust_sheet_flatlay paper_flatlay",
        "",
        "make",
        stands=False,
        size_cm=28,
    ),
    Kind(
        "storage",
        "storage shelving bin drawer locker cabinet hanger organizer organiser basket",
        "workshop_bench wood_table living_room renovation_room kids_room",
        "plant books",
        "home",
        size_cm=60,
    ),
    Kind(
        "furniture",
        "furniture sofa couch chair armchair stool bookshelf bookshelves shelf coat-rack wardrobe "
        "bed mattress bench",
        "living_room deck_terrace renovation_room",
        "plant",
        "home",
        size_cm=95,
    ),
    Kind(
        "cup",
        "mug mugs cup cups kettle carafe teapot thermos flask bottle bottles tumbler glassware jug",
        _KITCHEN_SETTINGS,
        _KITCHEN_PROPS,
    ),
    Kind(
        "kitchen",
        "kitchen kitchenware cookware bowl plate pan pot blender grater knife cutlery appliance toaster lunchbox",
        _KITCHEN_SETTINGS,
        _KITCHEN_PROPS,
    ),
    Kind(
        "coffee",
        "coffee espresso latte cappuccino decaf arabica",
        f"{_TABLES} marble_counter kitchen_counter office_desk study_night gym_floor {_OUTSIDE} "
        "city_night window_sill winter_snow",
        "coffee_beans leaves books laptop_edge dumbbell towel lantern pine_cones pebbles shells plant",
    ),
    Kind(
        "drink",
        "drink drinks tea chai juice soda water lemonade smoothie smoothy beverage beer wine cocoa cola "
        "dispensed chocolate-drink kombucha",
        f"{_TABLES} marble_counter kitchen_counter office_desk study_night gym_floor {_OUTSIDE} "
        "city_night deck_terrace market_stall neon_setup",
        "citrus leaves plant books laptop_edge dumbbell towel lantern pine_cones pebbles shells",
        size_cm=18,
    ),
    Kind(
        "food",
        "food foods snack snacks chocolate nut nuts bar biscuit cookie pizza salad soup sandwich pasta sauce "
        "honey jam spice cereal granola muesli oil chips grocery pantry fruit cheese seafood cuisine nachos "
        "curry bakery",
        f"{_TABLES} marble_counter kitchen_counter office_desk study_night forest_trail mountain_camp beach_sand "
        "garden_lawn market_stall picnic_blanket deck_terrace",
        "citrus leaves plant books laptop_edge lantern pine_cones",
    ),
    Kind(
        "shoes",
        "footwear shoe shoes sneaker sneakers boot boots sandal sandals slipper slippers hi-tops trainers",
        f"gym_floor {_OUTSIDE} city_night living_room deck_terrace winter_snow",
        "leaves pine_cones pebbles shells towel dumbbell",
        size_cm=29,
    ),
    Kind(
        "bag",
        "bag bags sleeve backpack rucksack purse handbag tote wallet suitcase luggage",
        f"{_TABLES} office_desk city_night forest_trail mountain_camp beach_sand gym_floor hallway_pegs "
        "wood_flatlay paper_flatlay",
        "books laptop_edge leaves pine_cones pebbles shells towel lantern",
        size_cm=42,
    ),
    Kind(
        "garment",
        "shirt shirts t-shirt blouse jacket jackets coat coats jeans trousers pants dress dresses skirt hoodie sweater "
        "cardigan leggings vest pullover parka",
        "linen_fabric wood_flatlay paper_flatlay silk_drape wardrobe_rail hallway_pegs",
        "leaves pine_cones pebbles",
        "wear",
        stands=False,
        size_cm=70,
    ),
    Kind(
        "wear",
        "apparel hats clothing clothes scarf sock socks hat cap glove gloves underwear beanie textile",
        f"linen_fabric wood_table wood_flatlay paper_flatlay hallway_pegs gym_floor city_night "
        f"winter_snow {_OUTSIDE}",
        "leaves pine_cones pebbles shells towel books",
        size_cm=28,
    ),
    Kind(
        "alpine",
        "ski skis snowboard goggles boarding climbing harness rope carabiner crampons",
        "forest_trail mountain_camp winter_snow workshop_bench wood_table",
        "lantern pine_cones pebbles leaves",
        "outdoor",
        size_cm=45,
    ),
    Kind(
        "outdoor",
        "outdoor outdoors camping trekking hiking cycling bicycle bike fishing tent lantern compass navigation "
        "sport sports",
        f"{_OUTSIDE} gym_floor workshop_bench wood_table city_night winter_snow deck_terrace",
        "lantern pine_cones pebbles leaves shells towel dumbbell",
        size_cm=45,
    ),
    Kind(
        "tech",
        "electronic electronics headphone headphones earbuds speaker cable charger camera tripod phone tablet "
        "laptop keyboard keyboards mouse mice gaming wearable tracker smartwatch audio gadget "
        "photography powerbank projector computer",
        f"wood_table cafe_table office_desk study_night kitchen_counter gym_floor workshop_bench {_OUTSIDE} city_night "
        "neon_setup living_room",
        "books laptop_edge plant towel dumbbell lantern pine_cones pebbles shells",
    ),
    Kind(
        "lamp",
        "lamp lamps lighting fixtures lampshade",
        "wood_table linen_fabric office_desk study_night living_room window_sill kids_room "
        "kitchen_counter deck_terrace",
        "books plant",
        "home",
        size_cm=45,
    ),
    Kind(
        "paper",
        "book books notebook desk pen pencil stationery paper calendar planner ink journal",
        f"{_TABLES} office_desk study_night paper_flatlay wood_flatlay window_sill",
        "books plant leaves laptop_edge",
        "desk",
    ),
    Kind(
        "textile",
        "textiles towel cushion pillow blanket throw rug bedding curtain",
        "wood_table linen_fabric garden_lawn living_room wood_flatlay bathroom_shelf",
        "leaves plant books",
        "home",
        size_cm=50,
    ),
    Kind(
        "home",
        "home decor plants "
        "decoration candle vase clock frame linen "
        "housewares living bedroom bedding mirror plantpot ornament",
        "wood_table living_room window_sill marble_counter vanity_shelf bathroom_shelf deck_terrace "
        "study_night",
        "plant books leaves towel pebbles",
        size_cm=28,
    ),
    Kind(
        "toy",
        "toy toys game games puzzle plush doll blocks",
        "wood_table kids_room garden_lawn living_room picnic_blanket",
        "confetti leaves",
        "thing",
    ),
)
GARDEN_LIGHT = Kind("garden light", "", "garden_lawn wood_table", "plant leaves pebbles", "home")
ANY_KIND = Kind("thing", "", "wood_table linen_fabric window_sill", "plant leaves")

_WIDE = frozenset({"food", "drink", "alpine", "outdoor", "cup", "kitchen", "tool", "tech"})
"""Fields in which a title says more than the category."""
_TELLING = frozenset({"beauty", "supply", "garden", "jewellery"})
"""Categories whose titles often name something else ('Tomato Plant Food', 'Vanity Light')."""
_COUNTED = re.compile(r"\b(?:\d+|two|three|four|six|pair of) (?:bags|bars|sheets|rolls)\b", re.IGNORECASE)
_KIND_WORDS = [(kind, frozenset(kind.words.split())) for kind in KINDS]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z][a-z\-]+", text.lower())


def _named_in(text: str) -> Kind | None:
    words = _words(text)
    forms = [{word, word.removesuffix("s"), word.removesuffix("es")} for word in words]
    for kind, known in _KIND_WORDS:
        if any(form & known for form in forms):
            return kind
    return None


def kind_of(product: Mapping[str, Any]) -> Kind:
    """The product's kind: by the last level of its category, then its title, then the other levels.

    The last level speaks first ('Outdoors > Footwear' is shoes); a title overrules a wide field.
    """
    levels = product["category"].split(" > ")
    # "Camomile, 20 bags": what is counted out is a pack, not the thing.
    leaf, title = _named_in(levels[-1]), _named_in(_COUNTED.sub("", product["title"]))
    parents = [found for level in reversed(levels[:-1]) if (found := _named_in(level))]
    if baby := next((kind for kind in parents if kind.name == "baby"), None):
        return baby
    if leaf is not None and leaf.name == "outdoor" and parents and parents[0].name == "garden":
        return GARDEN_LIGHT if re.search(r"\blight", levels[-1], re.IGNORECASE) else parents[0]
    if leaf is not None and leaf.name == "storage" and parents and parents[0].name == "kitchen":
        return parents[0]
    if leaf is not None and (leaf.name not in _WIDE or title is None):
        return leaf
    if leaf is None and title is not None and parents and parents[0].name in _TELLING:
        return parents[0]
    known = title or (parents[0] if parents else leaf)
    # A feed in another language: its category in the shared taxonomy is English.
    return known or _named_in((product.get("taxonomy") or "").split(" > ")[-1]) or ANY_KIND
