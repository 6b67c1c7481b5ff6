"""What the specification of 1EdTech asks of a credential, as a table: the members of each class, and what they must be.

Written from "Open Badges 3.0" (data model, and ob_v3p0_achievementcredential_schema.json and ob_v3p0_profile_schema.json
as published in July 2026) for the classes a certificate of ours is made of. The schema files themselves are not copied:
their licence does not say that they may be. They forbid no further members; this table does, for a member that the
context does not know is lost to whoever reads the credential as linked data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

Check = Callable[[Any], bool]

CONTEXT_2 = "https://www.w3.org/ns/credentials/v2"
CONTEXT_OB = re.compile(r"https://purl\.imsglobal\.org/spec/ob/v3p0/context(-3\.\d\.\d)*\.json")
CONTEXT_EXTENSIONS = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json"
SCHEMA = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
# These mean something only where the context of the extensions says what.
OF_EXTENSIONS = {"1EdTechJsonSchemaValidator2019", "1EdTechRevocationList", "1EdTechCredentialRefresh"}
ACHIEVEMENT_TYPES = {
    "Achievement", "ApprenticeshipCertificate", "Assessment", "Assignment", "AssociateDegree", "Award",
    "Badge", "BachelorDegree", "Certificate", "CertificateOfCompletion", "Certification", "CommunityService",
    "Competency", "Course", "CoCurricular", "Degree", "Diploma", "DoctoralDegree", "Fieldwork",
    "GeneralEducationDevelopment", "JourneymanCertificate", "LearningProgram", "License", "Membership",
    "ProfessionalDoctorate", "QualityAssuranceCredential", "MasterCertificate", "MasterDegree",
    "MicroCredential", "ResearchDoctorate", "SecondarySchoolDiploma",
}  # fmt: skip


def text(said: Any) -> bool:
    return isinstance(said, str) and bool(said.strip())


def uri(said: Any) -> bool:
    return text(said) and bool(urlsplit(said).scheme) and not re.search(r"\s", said)


def moment(said: Any) -> bool:
    """A date-time of RFC 3339 with its offset."""
    shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return isinstance(said, str) and bool(re.fullmatch(shape, said)) and bool(datetime.fromisoformat(said))


def language(said: Any) -> bool:
    shape = r"[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?"
    return isinstance(said, str) and bool(re.fullmatch(shape, said))


def kind_of_achievement(said: Any) -> bool:
    return said in ACHIEVEMENT_TYPES or (
        isinstance(said, str) and bool(re.search(r"(ext:)[a-zA-Z0-9.\-_|]+", said))
    )


def kinds(*wanted: set[str]) -> Check:
    """A list of types with one of each of these sets."""
    return lambda said: (
        isinstance(said, list) and all(map(text, said)) and all(each & set(said) for each in wanted)
    )


def contexts(said: Any) -> bool:
    """VC 2.0 asks for its own context first, Open Badges for its own behind it."""
    return (
        isinstance(said, list) and len(said) >= 2 and said[0] == CONTEXT_2 and all(map(uri, said))
        and bool(CONTEXT_OB.fullmatch(said[1]))
    )  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """A class of the specification: what it must have, one of what it must have, and what each member is."""

    required: frozenset[str]
    members: Mapping[str, Check | str]
    one_of: frozenset[str] = frozenset()


def shape(required: str, *, one_of: str = "", **members: Check | str) -> Shape:
    named = {{"context": "@context"}.get(name, name): check for name, check in members.items()}
    return Shape(frozenset(required.split()), named, frozenset(one_of.split()))


# A check is a function, or the name of the class a member is of; with [] behind it a list of them is meant.
CLASSES: Mapping[str, Shape] = {
    "AchievementCredential": shape(
        # The final 3.0 leaves the name to the issuer; without it a wallet has nothing to show.
        "@context id type credentialSubject issuer validFrom name",
        context=contexts, id=uri, name=text, description=text, issuer="Profile", validFrom=moment, validUntil=moment,
        awardedDate=moment, credentialSubject="AchievementSubject", credentialSchema="CredentialSchema[]",
        credentialStatus="CredentialStatus", refreshService="RefreshService",
        type=kinds({"VerifiableCredential"}, {"AchievementCredential", "OpenBadgeCredential"}),
    ),
    "Profile": shape("id type", id=uri, type=kinds({"Profile"}), name=text, url=uri, description=text, email=text),
    "AchievementSubject": shape(
        "type achievement", one_of="id identifier", id=uri, type=kinds({"AchievementSubject"}),
        achievement="Achievement", activityStartDate=moment, activityEndDate=moment,
    ),
    "Achievement": shape(
        "id type criteria description name", id=uri, type=kinds({"Achievement"}), name=text, description=text,
        criteria="Criteria", achievementType=kind_of_achievement, inLanguage=language,
    ),
    "Criteria": shape("", one_of="id narrative", id=uri, narrative=text),
    "CredentialSchema": shape("id type", id=uri, type=text),
    "CredentialStatus": shape("id type", id=uri, type=text),
    "RefreshService": shape("id type", id=uri, type=text),
}  # fmt: skip


def faults(said: Any, of: str = "AchievementCredential", at: str = "") -> Iterator[str]:
    """Whatever is not as the specification asks, by its path; nothing when all is well."""
    if not isinstance(said, dict):
        yield f"{at or of}: not an object"
        return
    known = CLASSES[of]
    for name in sorted(known.required - said.keys()):
        yield f"{at}/{name}: missing"
    if known.one_of and not known.one_of & said.keys():
        yield f"{at}: none of {', '.join(sorted(known.one_of))}"
    for name, value in said.items():
        check = known.members.get(name)
        if check is None:
            yield f"{at}/{name}: not a word of the specification"
        elif isinstance(check, str):
            each = value if check.endswith("[]") and isinstance(value, list) else [value]
            for part in each:
                yield from faults(part, check.removesuffix("[]"), f"{at}/{name}")
        elif not check(value):
            yield f"{at}/{name}: {value!r}"
    if of == "AchievementCredential":
        yield from _of_the_whole(said)


def _of_the_whole(said: Mapping[str, Any]) -> Iterator[str]:
    schemas = said.get("credentialSchema")
    schemas = schemas if isinstance(schemas, list) else [schemas]
    if {"id": SCHEMA, "type": "1EdTechJsonSchemaValidator2019"} not in schemas:
        yield "/credentialSchema: does not name the schema of Open Badges"
    parts = [*schemas, said.get("credentialStatus"), said.get("refreshService")]
    named = {str(part.get("type")) for part in parts if isinstance(part, dict)}
    if named & OF_EXTENSIONS and CONTEXT_EXTENSIONS not in json.dumps(said.get("@context")):
        yield "/@context: nothing says what the types of 1EdTech mean"
