"""A step's sheet and a ward's sheet with real content in three scripts, drawn without the application."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from inclusion_app.core.paper import style_sheet
from inclusion_app.core.paper_parts import PRINTED_ON, Pair, pair, qr_square, with_day
from inclusion_app.places.place_sheet import WORDS as PLACE_WORDS
from inclusion_app.places.place_sheet import OpenDay, PlaceBox, PlaceSheet
from inclusion_app.roadmaps.handout import PhoneLine
from inclusion_app.roadmaps.step_sheet import WORDS as STEP_WORDS
from inclusion_app.roadmaps.step_sheet import StepSheet
from tests.paper.samples import DIRECTIONS, ROOT, sample, translator

# English: (Urdu, Arabic). Beside those of samples.py, made for these tests.
MORE = {
    "What you need": ("آپ کو کیا چاہیے", "ما تحتاج إليه"),
    "What to bring": ("کیا ساتھ لائیں", "ما تحضره معك"),
    "How to do it": ("یہ کیسے کریں", "كيف تفعل ذلك"),
    "The safe way": ("محفوظ طریقہ", "الطريقة الآمنة"),
    "Without ID": ("ID کے بغیر", "بدون هوية (ID)"),
    "This step on a screen": ("یہ قدم اسکرین پر", "هذه الخطوة على الشاشة"),
    "Places that can help you": ("وہ جگہیں جو آپ کی مدد کر سکتی ہیں", "أماكن يمكنها مساعدتك"),
    "What is there": ("وہاں کیا ہے", "ما يوجد هناك"),
    "Phone:": ("فون:", "الهاتف:"),
    "In this ward": ("اس وارڈ میں", "في هذه الدائرة"),
    "Near, but outside this ward": ("قریب، مگر اس وارڈ سے باہر", "قريب، لكن خارج هذه الدائرة"),
    "We know few places in this ward. So the nearest outside it are here too.": (
        "ہم اس وارڈ میں کم جگہیں جانتے ہیں۔ اس لیے باہر کی قریبی جگہیں بھی یہاں ہیں۔",
        "نعرف أماكن قليلة في هذه الدائرة. لذلك أقرب الأماكن خارجها هنا أيضًا.",
    ),
    "We know no place in this ward. The nearest outside it are here.": (
        "ہم اس وارڈ میں کوئی جگہ نہیں جانتے۔ باہر کی قریبی جگہیں یہاں ہیں۔",
        "لا نعرف مكانًا في هذه الدائرة. أقرب الأماكن خارجها هنا.",
    ),
    "Is something not named here? Then we do not know. Ask first.": (
        "کوئی چیز یہاں نہیں لکھی؟ تو ہمیں معلوم نہیں۔ پہلے پوچھ لیں۔",
        "شيء غير مذكور هنا؟ إذن لا نعرف. اسأل أولًا.",
    ),
    "The newest sheet": ("سب سے نیا پرچہ", "أحدث ورقة"),
    "Library": ("لائبریری", "مكتبة"),
    "Free Wi-Fi · Printing": ("مفت وائی فائی · چھپائی", "واي فاي مجاني · طباعة"),
    "Not confirmed. Source seen: July 2023.": (
        "تصدیق نہیں ہوئی۔ ذریعہ: جولائی 2023۔",
        "غير مؤكد. المصدر بتاريخ يوليو 2023.",
    ),
}  # fmt: skip


def translated(lang: str, text: str) -> Pair:
    """A sentence of these samples both ways. One without a translation is an error, as it would be on a sheet."""
    if text in MORE:
        return Pair({"en": text, "ur": MORE[text][0], "ar": MORE[text][1]}[lang], text)
    return pair(translator(lang), text)


def step_sample(lang: str, *, large: bool = False) -> StepSheet:
    """A step with a line to call, a place near and a way without ID."""

    def p(*texts: str) -> tuple[Pair, ...]:
        return tuple(translated(lang, text) for text in texts)

    place = sample(lang).place
    assert place
    address = f"https://roadmap.example.org/{lang}/roadmap/steps/T6"
    return StepSheet(
        lang=lang,
        dir=DIRECTIONS[lang],
        words={name: translated(lang, text) for name, text in STEP_WORDS.items()},
        printed_on=_printed(lang),
        address=address,
        qr=qr_square(address, "QR"),
        large=large,
        title=translated(lang, "Set up the NHS App or website"),
        why=translated(lang, "You can see your GP’s services on your phone."),
        minutes=sample(lang).steps[0].minutes,
        setting=translated(lang, "A digital helper at the library"),
        have=p("Your phone."),
        bring=p("Your phone, if you have one.", "A notebook for your own use."),
        how=p(
            "Find and open apps", "Make, keep and change passwords", "Order medicine or ask your GP online"
        ),
        safe=p("Put the phone down. Talk to somebody you trust."),
        routes=p("Phone your surgery, or go in."),
        without_id=p("Your surgery can give you letters in place of ID."),
        notes=p("Waiting for a decision to stay? Ask an adviser before you claim or apply."),
        phone=PhoneLine(translated(lang, "Check if a call from your bank is real"), "159", "Stop Scams UK"),
        phone_notes=p("This call is free.", "Not confirmed. Source seen: July 2023."),
        place=PlaceBox(
            place.name, place.address, place.postcode, week=place.week, how_sure=p("Ask before you travel.")
        ),
    )


def ward_sample(lang: str, *, places: int = 2, large: bool = False) -> PlaceSheet:
    """A ward with `places` of its own, and one outside it."""
    words = {name: translated(lang, text) for name, text in PLACE_WORDS.items()}
    box = step_sample(lang).place
    assert box
    library = PlaceBox(
        box.name,
        box.address,
        box.postcode,
        week=tuple(OpenDay(day.day, ("9:00–17:00",)) for day in box.week[:5]),
        how_sure=(translated(lang, "Not confirmed. Source seen: July 2023."),),
        kinds=translated(lang, "Library"),
        phone="0161 227 3700",
        helps=translated(lang, "Free Wi-Fi · Printing"),
    )
    address = f"https://roadmap.example.org/{lang}/places/areas/longsight/print"
    return PlaceSheet(
        lang=lang,
        dir=DIRECTIONS[lang],
        words=words,
        printed_on=_printed(lang),
        address=address,
        qr=qr_square(address, "QR"),
        large=large,
        ward="Longsight",
        ward_written={"en": "", "ur": "لانگ سائٹ", "ar": "لونغسايت"}[lang],
        inside=(library,) * places,
        outside=(library,),
    )


def sheet_page(sheet: StepSheet | PlaceSheet) -> str:
    """The finished HTML of a sheet, as the view sends it to the paper service."""
    env = Environment(
        loader=FileSystemLoader(ROOT / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    name = "pdf/step.html" if isinstance(sheet, StepSheet) else "pdf/places.html"
    return env.get_template(name).render(sheet=sheet, paper_style=style_sheet("paper.css", "papersheets.css"))


def _printed(lang: str) -> Pair:
    days = {"en": "Monday 23 November 2026", "ur": "پیر 23 نومبر 2026", "ar": "الاثنين 23 نوفمبر 2026"}
    return with_day(translator(lang), PRINTED_ON, days[lang], days["en"])
