"""Where long German words may be parted: at the seams of compounds only, where a reader parts them too."""

from __future__ import annotations

from functools import cache

LONG = 11
"""Letters from which a word may be parted."""
_LEAST = 4
"""Letters that stay on each side."""

# Last parts of compounds that shops write, in the forms that they have there. Patterns for syllables would part more
# words, and none with a permissive licence are packaged; a wrong seam is worse than a smaller size.
_GERMAN = """
abdeckung abend abfall ablage abweisend abweisende abweisender abweisendes anzug arbeit armband aufbewahrung
auflauf aufnahme ausstattung automat außenmaterialien balsam bank batterie baum baumwolle becher behälter
beize belag beleuchtung bereich besteck beständig beutel bezug bild blatt block blume bluse boden bogen
bohne bohnen bohrer brand brause brett brettchen brille brot buch butter bürste canvas creme dach decke
deckel dicht dichtung dose draht druck duft durchlässig dusche dämpfung eimer einlage einsatz etui faden
farbe farben faser fasern feder feile fenster fest feuer filter flasche flaschen fleisch form frei freie
freien freier freies futter fußbett fähig förmig gabel garn garten gebunden gedruckte gedrucktes gehäuse
gelenk gemacht gepäck gerecht gerät geräte geröstet geschenk geschirr geschmack gesellschaft gestell getränk
getränke gewebe gewicht glas gläser griff grund größe gurt gürtel haken halter halterung haltig hammer
handschuh handschuhe haus haut heft hemd hemmend hemmende hemmender hemmendes herd hocker holz holzgriff
honig hose hülle innenausstattung jacke kabel kaffee kaffeebohnen kamera kammer kanne kapitän kappe karte
kasten kautschuk kerze kette kissen kiste klammer kleber kleid kleidung klinge knopf koffer kohle kontrolle
kopf korb kosmetik kraft kragen kreide kuchen kunde kupplung küche kühler lack lampe lappen laterne lauf
leder leggings leine leiste leiter leuchte licht liege liste lose loser loses luft löffel maschine maske
material materialien matratze matte mehl messer milch mischung mittel modus motor möbel müll mütze nacht
nadel netz nuss objektiv obst organizer papier paste pfanne pflanze pflege pinsel plane planer platte platz
polster presse produkt pulver pumpe punkt rahmen regal regler reich reifen reiniger reinigung reise rezept
riegel riemen ring rock rohr rolle rucksack sack saft salbe salz sammlung sandale sauce schachtel schal
schale schalter schaum schere schicht schifffahrt schirm schloss schlüssel schnur schokolade schonend
schrank schraube schraubendreher schrauber schreiber schuh schuhe schutz schwamm schürze seife seil sessel
shampoo sicher sieb silber sitz socke socken sofa sohle sonne spange speicher spiegel spiel spitze sport
spray stab stahl station stativ stein stick stiefel stift stoff strumpf stuhl ständer stück system säge
säule tablett tasche taschen tasse tassen tauglich teig teil teller teppich tisch topf training trockner
träger tuch turm tücher umschlag undurchlässig unterdrückung unterlage unterstützung vase ventil verbindung
vermögen verpackung verschließbar verschluss versorgung vorhang waage wachs wand wanderung wanderungen wanne
wasser weisend weisende weisendes werk werkzeug weste wetter wolle wurst wärme wäsche würfel zange zeit zelt
zettel zeug ziegel zimmer zubehör zucker öffnung öffnungen
"""
_HEADS = frozenset(_GERMAN.split())
_JOINTS = ("", "s", "n", "e", "en", "es", "er")
"""Letters that join the parts of a compound, and endings."""
_BLENDS = {"r": "bcdfgkptvw", "l": "fhk", "h": "cpst"}
"""What such a letter may have begun together with: "Preise" is not parted before "reise"."""


@cache
def hyphenated(word: str, locale: str) -> tuple[str, ...]:
    """The parts of a word in order; the word alone where it is short, of another language, or has no known seam."""
    bare = word.rstrip(".,;:!?)“”\"'").lower()
    if not locale.startswith("de") or len(bare) < LONG or not bare.isalpha():
        return (word,)
    parts: list[str] = []
    stop = len(bare)
    while (cut := _last_seam(bare[:stop])) is not None:
        parts.insert(0, word[cut : len(word) if stop == len(bare) else stop])
        stop = cut
    return (word[: len(word) if stop == len(bare) else stop], *parts)


def _last_seam(word: str) -> int | None:
    """Where the last part of a compound begins, the longest that is known."""
    for start in range(_LEAST, len(word) - _LEAST + 1):
        part = word[start:]
        if word[start - 1] in _BLENDS.get(part[0], ""):
            continue
        if any(part.endswith(joint) and part[: len(part) - len(joint)] in _HEADS for joint in _JOINTS):
            return start
    return None
