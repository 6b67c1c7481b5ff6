"""Handouts with real content in three scripts, drawn without the application: the sheets the tests look at.

The translations were made for these tests. They are not the product's catalogues, which may say it otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from inclusion_app.core.paper import style_sheet
from inclusion_app.core.paper_parts import PRINTED_ON, Pair, pair, qr_square, with_day
from inclusion_app.places.place_sheet import OpenDay, PlaceBox
from inclusion_app.roadmaps.handout import (
    AGAIN_ON,
    STATIONS_SHOWN,
    Appointment,
    Handout,
    Journey,
    PhoneLine,
    StepBox,
    Won,
    by_goal,
    cut_journey,
    fixed_words,
)
from inclusion_app.roadmaps.handout_fit import arrange

ROOT = Path(__file__).resolve().parents[2]
MONDAY = date(2026, 11, 23)
DIRECTIONS = {"en": "ltr", "ur": "rtl", "ar": "rtl"}

# English: (Urdu, Arabic).
TRANSLATIONS = {
    "My next steps": ("میرے اگلے قدم", "خطواتي التالية"),
    "Ask us if this is old.": ("اگر یہ پرانا ہو تو ہم سے پوچھیں۔", "اسألنا إذا كانت هذه الورقة قديمة."),
    "You are doing this now": ("آپ ابھی یہ کر رہے ہیں", "أنت تفعل هذا الآن"),
    "Bring:": ("ساتھ لائیں:", "أحضر معك:"),
    "You can already do this. Well done.": ("آپ یہ پہلے سے کر سکتے ہیں۔ شاباش۔", "أنت تعرف هذا من قبل. أحسنت."),
    "My next appointment": ("میری اگلی ملاقات", "موعدي القادم"),
    "Talk to a person": ("کسی سے بات کریں", "تحدث مع شخص"),
    "My code": ("میرا کوڈ", "رمزي"),
    "Open your plan with this code and your PIN or pictures.": (
        "اپنا منصوبہ اس کوڈ اور اپنے PIN یا تصویروں سے کھولیں۔",
        "افتح خطتك بهذا الرمز ورقمك السري (PIN) أو صورك.",
    ),
    "A place near you": ("آپ کے قریب ایک جگہ", "مكان قريب منك"),
    "Opening times this week": ("اس ہفتے کھلنے کے اوقات", "أوقات العمل هذا الأسبوع"),
    "Closed": ("بند", "مغلق"),
    "Ask first": ("پہلے پوچھیں", "اسأل أولاً"),
    "Ask before you travel.": ("جانے سے پہلے پوچھ لیں۔", "اسأل قبل أن تذهب."),
    "A step you keep to yourself": ("ایک قدم جو آپ اپنے تک رکھتے ہیں", "خطوة تحتفظ بها لنفسك"),
    "The place": ("وہ جگہ", "المكان"),
    "Your area": ("آپ کا علاقہ", "منطقتك"),
    "Steps after these: %(number)s": ("ان کے بعد قدم: %(number)s", "خطوات بعد هذه: %(number)s"),
    "Without the internet": ("انٹرنیٹ کے بغیر", "بدون الإنترنت"),
    "Is it a scam?": ("کیا یہ دھوکا ہے؟", "هل هذا احتيال؟"),
    "Your journey as a picture": ("آپ کا سفر ایک تصویر میں", "رحلتك في صورة"),
    "Somebody wants money, a password or a code? Stop.": (
        "کوئی پیسے، پاس ورڈ یا کوڈ مانگے؟ رک جائیں۔",
        "شخص يطلب المال أو كلمة المرور أو رمزاً؟ توقف.",
    ),
    "Is it urgent or secret? That is a sign of a scam.": (
        "یہ فوری یا راز ہے؟ یہ دھوکے کی نشانی ہے۔",
        "هل هو عاجل أو سري؟ هذه علامة احتيال.",
    ),
    "Put the phone down. Talk to somebody you trust.": (
        "فون رکھ دیں۔ کسی بھروسے کے شخص سے بات کریں۔",
        "أغلق الهاتف. تحدث مع شخص تثق به.",
    ),
    "Your bank? Call 159. A bad text? Send it to 7726.": (
        "آپ کا بینک؟ 159 پر فون کریں۔ برا پیغام؟ 7726 پر بھیجیں۔",
        "مصرفك؟ اتصل بالرقم 159. رسالة سيئة؟ أرسلها إلى 7726.",
    ),
    "Printed on %(day)s.": ("%(day)s کو چھپا۔", "طُبع في %(day)s."),
    "About %(minutes)s minutes": ("تقریباً %(minutes)s منٹ", "حوالي %(minutes)s دقيقة"),
    "I want to see my GP and get my medicine with less trouble.": (
        "میں آسانی سے اپنے ڈاکٹر سے ملنا اور اپنی دوا لینا چاہتی ہوں۔",
        "أريد أن أرى طبيبي وأحصل على دوائي بسهولة أكبر.",
    ),
    "I want to see and hear the people I love.": (
        "میں اپنے پیاروں کو دیکھنا اور سننا چاہتی ہوں۔",
        "أريد أن أرى وأسمع من أحبهم.",
    ),
    "I want to feel safe online.": ("میں آن لائن محفوظ رہنا چاہتی ہوں۔", "أريد أن أشعر بالأمان على الإنترنت."),
    "Set up your own email": ("اپنا ای میل بنائیں", "أنشئ بريدك الإلكتروني"),
    "Many things ask for an email address.": (
        "بہت سی جگہوں پر ای میل پتہ مانگا جاتا ہے۔",
        "أشياء كثيرة تطلب عنوان بريد إلكتروني.",
    ),
    "Your phone, if you have one.": ("اپنا فون، اگر آپ کے پاس ہے۔", "هاتفك، إن كان لديك هاتف."),
    "A notebook for your own use.": ("اپنے لیے ایک کاپی۔", "دفتر لك وحدك."),
    "Set up the NHS App or website": ("NHS ایپ یا ویب سائٹ شروع کریں", "ابدأ تطبيق NHS أو موقعه"),
    "You can see your GP’s services on your phone.": (
        "آپ اپنے فون پر اپنے ڈاکٹر کی سہولتیں دیکھ سکتے ہیں۔",
        "يمكنك رؤية خدمات طبيبك على هاتفك.",
    ),
    "Your phone.": ("اپنا فون۔", "هاتفك."),
    "A paper that shows who you are.": ("ایک کاغذ جو بتائے کہ آپ کون ہیں۔", "ورقة تثبت من أنت."),
    "Your surgery can give you letters in place of ID.": (
        "آپ کی سرجری ID کی جگہ خط دے سکتی ہے۔",
        "يمكن لعيادتك أن تعطيك رسائل بدلاً من الهوية (ID).",
    ),
    "Make the screen work for you: size, sound, language": (
        "سکرین کو اپنے لیے ٹھیک کریں: سائز، آواز، زبان",
        "اجعل الشاشة تناسبك: الحجم والصوت واللغة",
    ),
    "Bigger words or more sound can make it much easier.": (
        "بڑے الفاظ یا زیادہ آواز سے کام بہت آسان ہو سکتا ہے۔",
        "الكلمات الأكبر أو الصوت الأعلى يسهّل الأمر كثيراً.",
    ),
    "Your device and its charger. No device? Come anyway.": (
        "اپنا آلہ اور اس کا چارجر۔ آلہ نہیں؟ پھر بھی آئیں۔",
        "جهازك وشاحنه. ليس لديك جهاز؟ تعال على أي حال.",
    ),
    "Phone your surgery, or go in.": ("اپنی سرجری کو فون کریں، یا خود جائیں۔", "اتصل بعيادتك أو اذهب إليها."),
    "Ask your pharmacy about your medicine.": ("اپنی فارمیسی سے دوا کے بارے میں پوچھیں۔", "اسأل صيدليتك عن دوائك."),
    "A carer can ask the surgery for a linked sign-in.": (
        "آپ کا مددگار سرجری سے جڑا ہوا سائن اِن مانگ سکتا ہے۔",
        "يمكن لمن يرعاك أن يطلب من العيادة دخولاً مرتبطاً.",
    ),
    "Phone them, or write a card.": ("انہیں فون کریں، یا کارڈ لکھیں۔", "اتصل بهم أو اكتب بطاقة."),
    "A helper can set up a video call for you.": (
        "ایک مددگار آپ کے لیے ویڈیو کال لگا سکتا ہے۔",
        "يمكن لمساعد أن يجهز لك مكالمة فيديو.",
    ),
    "Go to a lunch club near you.": ("اپنے قریب کے لنچ کلب میں جائیں۔", "اذهب إلى نادي غداء قريب منك."),
    "Ask for the paper card about scams.": ("دھوکے کے بارے میں کاغذ کا کارڈ مانگیں۔", "اطلب بطاقة ورقية عن الاحتيال."),
    "Come to a talk in a group.": ("گروپ کی بات چیت میں آئیں۔", "تعال إلى حديث في مجموعة."),
    "Waiting for a decision to stay? Ask an adviser before you claim or apply.": (
        "رہنے کے فیصلے کا انتظار ہے؟ درخواست سے پہلے مشیر سے پوچھیں۔",
        "تنتظر قراراً بالبقاء؟ اسأل مستشاراً قبل أن تطلب أو تتقدم.",
    ),
    "About %(minutes)s minutes’ slow walk, straight line": (
        "آہستہ چل کر تقریباً %(minutes)s منٹ، سیدھی لکیر میں",
        "حوالي %(minutes)s دقيقة مشياً ببطء، بخط مستقيم",
    ),
    "These times are not confirmed. They come from a public list of %(date)s.": (
        "یہ اوقات پکے نہیں۔ یہ %(date)s کی ایک عام فہرست سے ہیں۔",
        "هذه الأوقات غير مؤكدة. هي من قائمة عامة بتاريخ %(date)s.",
    ),
    "A digital helper at the library": ("لائبریری کی ڈیجیٹل مددگار", "مساعدة رقمية في المكتبة"),
    "We set up your email together. You need nothing.": (
        "ہم مل کر آپ کا ای میل بنائیں گے۔ کچھ لانا ضروری نہیں۔",
        "ننشئ بريدك معاً. لا تحتاج إلى شيء.",
    ),
    "Is the time bad? Call the desk and ask for another.": (
        "وقت ٹھیک نہیں؟ فون کر کے دوسرا وقت مانگیں۔",
        "الوقت لا يناسبك؟ اتصل واطلب وقتاً آخر.",
    ),
    "Check if a call from your bank is real": ("دیکھیں کہ بینک کا فون اصلی ہے یا نہیں", "تأكد أن مكالمة مصرفك حقيقية"),
    "Free advice on benefits, debt, work, housing and rights": (
        "بینیفٹس، قرض، کام، گھر اور حقوق پر مفت مشورہ",
        "نصيحة مجانية عن الإعانات والديون والعمل والسكن والحقوق",
    ),
    "This call is free.": ("یہ فون مفت ہے۔", "هذه المكالمة مجانية."),
    "You are here": ("آپ یہاں ہیں", "أنت هنا"),
    "Next": ("اگلا", "التالي"),
    "Tap, type and move around": ("چھونا، لکھنا اور آگے پیچھے جانا", "المس واكتب وتنقّل"),
    "Where, and who with:": ("کہاں، اور کس کے ساتھ:", "أين، ومع من:"),
    "What you have done": ("آپ نے کیا کیا ہے", "ما أنجزته"),
    "Look at this plan again on %(day)s.": (
        "یہ منصوبہ %(day)s کو دوبارہ دیکھیں۔",
        "انظر إلى هذه الخطة مرة أخرى يوم %(day)s.",
    ),
    "You did this with help.": ("آپ نے یہ مدد سے کیا۔", "فعلت هذا بمساعدة."),
    "Get on to Wi-Fi": ("Wi-Fi سے جڑیں", "اتصل بشبكة Wi-Fi"),
    "Open a web page": ("ویب صفحہ کھولیں", "افتح صفحة ويب"),
    "Make, keep and change passwords": ("پاس ورڈ بنانا، رکھنا اور بدلنا", "أنشئ كلمات المرور واحفظها وغيّرها"),
    "Find and open apps": ("ایپس ڈھونڈنا اور کھولنا", "ابحث عن التطبيقات وافتحها"),
    "Order medicine or ask your GP online": ("آن لائن دوا منگوائیں یا ڈاکٹر سے پوچھیں", "اطلب الدواء أو اسأل طبيبك عبر الإنترنت"),
    "Send messages and photos": ("پیغام اور تصویریں بھیجیں", "أرسل رسائل وصوراً"),
    "Make a video call": ("ویڈیو کال کریں", "أجرِ مكالمة فيديو"),
    "See my GP and order medicine online": ("ڈاکٹر سے ملنا اور آن لائن دوا منگوانا", "رؤية طبيبي وطلب الدواء عبر الإنترنت"),
    "Keep in touch with family and friends": ("خاندان اور دوستوں سے رابطے میں رہنا", "البقاء على تواصل مع العائلة والأصدقاء"),
    "Who does it:": ("کس کے ذمے ہے:", "من يقوم بها:"),
}  # fmt: skip


def translator(lang: str) -> Callable[..., str]:
    """A gettext of these samples. A sentence without a translation is an error, as it would be on a sheet."""
    column = {"en": None, "ur": 0, "ar": 1}[lang]

    def translate(text: str, **params: object) -> str:
        own = text if column is None else TRANSLATIONS[text][column]
        return own % params if params else own

    return translate


def small_map() -> Markup:
    """A drawn map as the places room makes it: outlines, the place, where the person looks from. No words in it."""
    return Markup(
        '<svg viewBox="0 0 200 200" role="img"><title>Map</title>'
        '<g fill="none" stroke="#555" stroke-width="1.5">'
        '<path d="M10 30 70 14 96 60 60 96 14 82z"/><path d="M70 14 150 20 160 66 96 60z"/>'
        '<path d="M96 60 160 66 188 120 120 140 60 96z"/><path d="M14 82 60 96 120 140 96 186 30 176z"/>'
        '<path d="M120 140 188 120 180 184 96 186z"/></g>'
        '<g fill="none" stroke="#000" stroke-width="3"><path d="M116 38l6-18 6 18"/><path d="M142 92v18h8"/>'
        '<path d="M40 52h12"/></g><circle cx="118" cy="92" r="9" fill="#000"/>'
        '<circle cx="84" cy="120" r="8" fill="#fff" stroke="#000" stroke-width="4"/></svg>'
    )


def journey(lang: str, stations: int = 9, lanes: int = 2) -> Journey:
    """A line map as templates/components/linemap.html draws one: rows of track with the words beside them."""
    t = translator(lang)
    titles = (
        "Tap, type and move around", "Get on to Wi-Fi", "Find and open apps", "Open a web page",
        "Make, keep and change passwords", "Send messages and photos", "Make a video call", "Set up your own email",
        "Set up the NHS App or website", "Order medicine or ask your GP online",
        "Make the screen work for you: size, sound, language",
    )  # fmt: skip
    width = 22 * lanes
    rows = []
    for number in range(1, min(stations, STATIONS_SHOWN) + 1):
        x = [11 + 22 * lane for lane in range(lanes)]
        x = [width - each for each in x] if DIRECTIONS[lang] == "rtl" else x
        top, bottom = 0 if number > 1 else 22, 44 if number < stations else 22
        tracks = "".join(
            f'<path fill="none" stroke="#000" stroke-width="4" stroke-dasharray="{dashes}" d="M{each} {top}V{bottom}"/>'
            for each, dashes in zip(x, ("none", "7 4", "2 4"), strict=False)
        )
        ring = f'<circle cx="{x[0]}" cy="22" r="8" fill="#fff" stroke="#000" stroke-width="4"/>'
        here = f' <strong class="lm-tag">{t("You are here")}</strong>' if number == 3 else ""
        nexts = f' <span class="lm-tag">{t("Next")} {number - 2}</span>' if 3 <= number <= 5 else ""
        rows.append(
            f'<li class="lm-row"><svg class="lm-svg" viewBox="0 0 {width} 44" width="{width}" height="44" '
            f'aria-hidden="true">{tracks}{ring}</svg><span class="lm-words">{number}. '
            f"{t(titles[(number - 1) % len(titles)])}{here}{nexts}</span></li>"
        )
    return Journey(tuple(map(Markup, rows)), more=cut_journey(stations, t))


def sample(
    lang: str,
    *,
    goals: int = 1,
    appointment: bool = False,
    phones: int = 1,
    stations: int = 9,
    large: bool = False,
    heavy: bool = False,
    doing: int = 0,
    again: bool = False,
    wins: int = 0,
) -> Handout:
    """A handout with three steps. `heavy` takes the longest words there are; `again` has a day to look again."""
    t = translator(lang)
    words, scam = fixed_words(t)

    def p(text: str, **params: object) -> Pair:
        return pair(t, text, **params)

    step_texts = [
        ("Set up your own email", "Many things ask for an email address.", 45,
         ("Your phone, if you have one.", "A notebook for your own use."), ()),
        ("Set up the NHS App or website", "You can see your GP’s services on your phone.", 45,
         ("Your phone.", "A paper that shows who you are."), ("Your surgery can give you letters in place of ID.",)),
        ("Make the screen work for you: size, sound, language", "Bigger words or more sound can make it much easier.", 30,
         ("Your device and its charger. No device? Come anyway.",), ()),
    ]  # fmt: skip
    if heavy:
        step_texts = [step_texts[1], step_texts[1], step_texts[2]]
    week = tuple(
        OpenDay(
            Pair(format_date(day, "EEEE", locale=lang), format_date(day, "EEEE", locale="en")),
            times=times,
            words=None if times else words["closed"],
        )
        for day, times in (
            (MONDAY + timedelta(days=number), times)
            for number, times in enumerate(
                [
                    ("9:00–17:00",),
                    ("9:00–17:00",),
                    ("9:00–20:00",),
                    (),
                    ("9:00–12:00", "13:00–17:00"),
                    ("9:00–17:00",),
                    (),
                ]
            )
        )
    )
    desk = PhoneLine(p("Free advice on benefits, debt, work, housing and rights"), "0800 144 8848", "Citizens Advice",
                     p("This call is free."))  # fmt: skip
    bank = PhoneLine(p("Check if a call from your bank is real"), "159", "Stop Scams UK")
    all_goals = (
        "I want to see my GP and get my medicine with less trouble.",
        "I want to see and hear the people I love.",
        "I want to feel safe online.",
    )
    routes = (
        ("Phone your surgery, or go in.", "Ask your pharmacy about your medicine.",
         "A carer can ask the surgery for a linked sign-in."),
        ("Phone them, or write a card.", "A helper can set up a video call for you.", "Go to a lunch club near you."),
        ("Ask for the paper card about scams.", "Come to a talk in a group."),
    )  # fmt: skip
    return Handout(
        lang=lang,
        dir=DIRECTIONS[lang],
        words=words,
        scam=scam,
        printed_on=with_day(
            t,
            PRINTED_ON,
            format_date(MONDAY, "EEEE d MMMM y", locale=lang),
            format_date(MONDAY, "EEEE d MMMM y", locale="en"),
        ),
        again_on=with_day(
            t,
            AGAIN_ON,
            format_date(MONDAY + timedelta(weeks=4), "EEEE d MMMM y", locale=lang),
            format_date(MONDAY + timedelta(weeks=4), "EEEE d MMMM y", locale="en"),
        )
        if again
        else None,
        wins=tuple(
            Won(Pair(f"{t(title)}: {t(done)}", f"{title}: {done}"), private="NHS" in title)
            for title, done in (
                ("Set up the NHS App or website", "You did this with help."),
                ("Open a web page", "You did this with help."),
                ("Make a video call", "You did this with help."),
            )[:wins]
        ),
        name={"en": "Shirley", "ur": "نسرین", "ar": "فاطمة"}[lang],
        goals=tuple(p(text) for text in all_goals[:goals]),
        steps=tuple(
            StepBox(
                p(title),
                p("About %(minutes)s minutes", minutes=minutes),
                p(why),
                tuple(map(p, bring)),
                tuple(map(p, notes)),
            )
            for title, why, minutes, bring, notes in step_texts
        ),  # fmt: skip
        doing=tuple(
            StepBox(
                p(title),
                p("About %(minutes)s minutes", minutes=30),
                p("Many things ask for an email address."),
            )
            for title in ("Get on to Wi-Fi", "Open a web page", "Find and open apps")[:doing]
        ),
        notes=(p("Waiting for a decision to stay? Ask an adviser before you claim or apply."),)
        if heavy
        else (),
        appointment=Appointment(
            Pair(format_date(MONDAY + timedelta(days=9), "EEEE d MMMM", locale=lang), "Wednesday 2 December"),
            "10:30",
            p("A digital helper at the library"),
            "Longsight Library",
            p("We set up your email together. You need nothing."),
            p("Is the time bad? Call the desk and ask for another."),
        )
        if appointment
        else None,  # fmt: skip
        phones=(desk, bank)[:phones],
        place=PlaceBox(
            "Longsight Library and Learning Centre",
            "519 Stockport Road, Longsight, Manchester",
            "M12 4NE",
            p("About %(minutes)s minutes’ slow walk, straight line", minutes=12),
            week,
            how_sure=(
                Pair(
                    t(
                        "These times are not confirmed. They come from a public list of %(date)s.",
                        date="7/2023",
                    ),
                    "These times are not confirmed. They come from a public list of July 2023.",
                ),
                words["ask_travel"],
            ),
            drawing=small_map(),
            drawing_shows_you=True,
            drawing_names=("Ardwick", "Gorton and Abbey Hey", "Levenshulme"),
        ),
        routes=by_goal([[p(text) for text in group] for group in routes[:goals]]),
        journey=journey(lang, stations, max(1, min(goals, 3))),
        code="7KQ4 M2XD",
        address="roadmap.example.org/r/7KQ4M2XD",
        qr=qr_square("https://roadmap.example.org/r/7KQ4M2XD", "QR"),
        large=large,
    )


def page(handout: Handout) -> str:
    """The finished HTML of a handout, as the view sends it to the paper service."""
    env = Environment(
        loader=FileSystemLoader(ROOT / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return env.get_template("pdf/handout.html").render(
        handout=handout, layout=arrange(handout), paper_style=style_sheet()
    )
