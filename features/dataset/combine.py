"""Datasets of several sources as one: whose lead is whose, which columns are whose, and until when all of them are known.

The first source says who is a lead. There is one clock for each source, and the whole is known until the first of them stops:
afterwards the silence of that source would be read as silence of the leads (a lead that does nothing, or gets nowhere), so what
the others say later is set aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from features.common.clock import moment
from features.common.errors import ConfigError, DataError, nearest
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.id_matches import with_mismatch
from features.dataset.moments import extraction_sentence
from features.dataset.tables import concat_frames, with_columns
from features.dataset.until import OF_LEADS, known_until

Unmatched = Literal["leave_out", "add"]
LISTED = 12  # names that are shown
LAG = pd.Timedelta(days=2)  # by which the end of a source may lie before the others' without a warning
OWN_COLUMNS = ("lead_id", "created_at", "company_id", "opted_out")  # that are joined in a way of their own
LONGEST_KEY = 16  # characters of a hashed address that stand in an id


@dataclass(frozen=True)
class SourceDataset:
    """A source: its `name`, its `dataset`, and by what its leads are known.

    `id_column`: of its leads, with ids of the first source; None where only addresses join. `addresses`: a frame lead_id,
    email_key of hashed addresses, any number a lead; None where they join nothing. `unmatched`: what becomes of leads that are
    none of those before.
    """

    name: str
    dataset: Dataset
    id_column: str | None = "lead_id"
    addresses: pd.DataFrame | None = None
    unmatched: Unmatched = "leave_out"


@dataclass
class _Business:
    """What was put together so far. `keys`: hashed address → lead. `owners`: column of leads → the source that it is of.
    `flagged`: the leads of whose opt-outs something is recorded. `joined`: of each further source its leads → ours."""

    leads: pd.DataFrame
    keys: pd.Series
    owners: dict[str, str]
    flagged: set[str]
    report: DataReport = field(default_factory=DataReport)
    joined: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of_first(cls, source: SourceDataset, report: DataReport) -> _Business:
        """What the first source says."""
        leads = source.dataset.leads.assign(lead_id=source.dataset.leads["lead_id"].astype("str"))
        owners = _first_owners(source.addresses, leads)
        return cls(leads, owners, _filled(leads, source.name), _flagged(source.dataset), report)


def ids_in_sources(sources: Sequence[SourceDataset], lead_id: str) -> list[list[str]]:
    """By which ids each source knows a lead of the whole, whenever it came."""
    first, *further_sources = sources
    business = _Business.of_first(first, DataReport())
    ids = [[lead_id] if lead_id in set(business.leads["lead_id"]) else []]
    for source in further_sources:
        _joined(business, source)
        ids.append([name for name, owner in business.joined[-1].items() if owner == lead_id])
    return ids


def combine(sources: Sequence[SourceDataset]) -> tuple[Dataset, DataReport]:
    """One dataset of all sources, and what there is to say about it.

    Raises
    ------
    ConfigError
        if a column by which one is joined is not there, or a source knows no dates.
    DataError
        if not one lead of a source is one of the first's.
    """
    for source in sources:
        if source.dataset.time != "dates":
            raise ConfigError(
                f"sources: {source.name} has no dates, only an order of rows.", "Only sources with dates can be joined."
            )
    report = DataReport()
    until = _until(sources, report)
    first, *further_sources = [_cut(source, until, report) for source in sources]
    _check_outcomes(sources, [first, *further_sources], until)
    business = _Business.of_first(first, report)
    tables = {name: [frame] for name, frame in first.dataset.tables.items() if name != "leads"}
    without_history = list(first.dataset.without_history)
    for source in further_sources:
        added, columns = _joined(business, source)
        without_history += columns
        for name, frame in added.items():
            tables[name].append(frame)
    _tell_types(tables["interactions"], sources, report)
    deals = _below(tables["deals"])
    frames = {"leads": business.leads, **{name: _below(frames) for name, frames in tables.items()}}
    frames["deals"] = deals[~deals["deal_id"].duplicated()]
    report.note("deals", "deals that several sources have", len(deals) - len(frames["deals"]), done="each counts once")
    names, unrecorded = " + ".join(source.name for source in sources), tuple(dict.fromkeys(without_history))
    return Dataset.from_tables(frames, extracted_at=until, source=names, without_history=unrecorded), report


def _until(sources: Sequence[SourceDataset], report: DataReport) -> pd.Timestamp:
    """The moment until which all sources are known; how far the others go on is told."""
    first_end = min(sources, key=lambda source: source.dataset.extracted_at)
    until = first_end.dataset.extracted_at
    latest = max(sources, key=lambda source: source.dataset.extracted_at)
    lag = latest.dataset.extracted_at - until
    if lag >= LAG:
        report.warn(
            "dataset",
            f"days from the end of {first_end.name} ({until:%Y-%m-%d %H:%M} UTC) to that of {latest.name}",
            lag.days,
            done=(
                f"set aside, since the silence of {first_end.name} would be read as that of its leads: read it anew, or, where "
                "its files are complete until later, give `extracted_at:`"
            ),
        )
    report.extraction = extraction_sentence(moment(until), f", when {first_end.name} ends")
    return until


def _cut(source: SourceDataset, until: pd.Timestamp, report: DataReport) -> SourceDataset:
    dataset, removed = known_until(source.dataset, until)
    report.note(source.name, f"rows after {until:%Y-%m-%d %H:%M} UTC, where another source ends", removed, done="set aside")
    return replace(source, dataset=dataset)


def _check_outcomes(sources: Sequence[SourceDataset], cut_sources: Sequence[SourceDataset], until: pd.Timestamp) -> None:
    """Raise a DataError where all outcomes came after one of the sources had ended."""
    moments = [source.dataset.lead_stages["at"].min() for source in sources if len(source.dataset.lead_stages)]
    if moments and not any(len(source.dataset.lead_stages) for source in cut_sources):
        ended = min(sources, key=lambda source: source.dataset.extracted_at)
        raise DataError(
            f"sources: {ended.name} ends at {until:%Y-%m-%d %H:%M} UTC, before any lead reached a lead stage (the first one "
            f"at {min(moments):%Y-%m-%d %H:%M}): nothing is left that all sources know.",
            f"Read {ended.name} anew, or, where its files are complete until later, give `extracted_at:`.",
        )


def _first_owners(addresses: pd.DataFrame | None, leads: pd.DataFrame) -> pd.Series:
    """Hashed address → the lead that was created first of those who have it."""
    if addresses is None or addresses.empty:
        return pd.Series([], dtype="str", index=pd.Index([], dtype="str"))
    created = leads[["lead_id", "created_at"]].assign(lead_id=leads["lead_id"].astype("str"))
    owners = addresses.assign(lead_id=addresses["lead_id"].astype("str")).merge(created, on="lead_id")
    owners = owners.sort_values(["created_at", "lead_id"]).drop_duplicates("email_key")
    return owners.set_index("email_key")["lead_id"]


def _flagged(dataset: Dataset) -> set[str]:
    changes = dataset.attribute_changes
    return set(changes["id"][(changes["entity"] == "lead") & (changes["column"] == "opted_out")].astype("str"))


def _filled(leads: pd.DataFrame, name: str) -> dict[str, str]:
    return {column: name for column in leads.columns if column not in OWN_COLUMNS and leads[column].notna().any()}


def _joined(business: _Business, source: SourceDataset) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Add a source's leads and columns; gives its other tables, by the ids of the whole, and its columns without a history."""
    leads = source.dataset.leads.assign(lead_id=source.dataset.leads["lead_id"].astype("str"))
    owner = _matched(business, source, leads)
    if source.unmatched == "add":
        owner = owner.fillna(_new_ids(source, leads))
    _tell_matches(business, source, leads, owner)
    # of several that are one lead the first counts, as it is that one's
    ordered = leads.assign(_owner=owner.to_numpy()).dropna(subset="_owner").sort_values(["created_at", "lead_id"])
    chosen = ordered.drop_duplicates("_owner").set_index("_owner")
    owners = {str(name): str(lead) for name, lead in zip(leads["lead_id"], owner, strict=True) if isinstance(lead, str)}
    business.joined.append(owners)
    new_ids = _add_leads(business, source, chosen)
    own_columns = _add_columns(business, source, chosen, new_ids)
    if source.addresses is not None:
        keys = source.addresses.assign(owner=source.addresses["lead_id"].astype("str").map(owners)).dropna(subset="owner")
        keys = keys[~keys["email_key"].isin(business.keys.index)].drop_duplicates("email_key")
        business.keys = pd.concat([business.keys, keys.set_index("email_key")["owner"]])
    companies = _companies(business, source)
    unrecorded = [name for name in source.dataset.without_history if name.startswith("company.") and len(companies)]
    unrecorded += [f"lead.{column}" for column in own_columns if f"lead.{column}" in source.dataset.without_history]
    return {
        **_acts(source, owners),
        "companies": companies,
        "attribute_changes": _changes(business, source, chosen, own_columns, new_ids),
    }, unrecorded


def _matched(business: _Business, source: SourceDataset, leads: pd.DataFrame) -> pd.Series:
    """Of each lead of a source (n,) which lead of the whole it is: by its id, else by an address; missing where it is none."""
    owner = pd.Series(None, index=leads.index, dtype="object")
    if source.id_column is not None:
        if source.id_column not in leads:
            raise ConfigError(
                f"sources: {source.name} has no column {source.id_column!r} of leads: {nearest(source.id_column, list(leads))}",
                "Name under `join: id:` the column that holds the first source's ids; map it where it is left out.",
            )
        ids = leads[source.id_column].astype("str")
        owner = ids.where(ids.isin(set(business.leads["lead_id"]))).astype("object")
    if source.addresses is not None:
        owner = owner.where(owner.notna(), leads["lead_id"].map(_by_address(business, source, source.addresses)))
    if owner.isna().all():
        raise _strangers(business, source, leads)
    return owner.where(owner.notna(), None)


def _by_address(business: _Business, source: SourceDataset, addresses: pd.DataFrame) -> pd.Series:
    """Lead of a source → the lead of the whole that has one of its addresses; of several the one that was created first."""
    pairs = pd.DataFrame(
        {"lead_id": addresses["lead_id"].astype("str"), "owner": addresses["email_key"].map(business.keys)}
    ).dropna(subset="owner")
    pairs["created_at"] = pairs["owner"].map(business.leads.set_index("lead_id")["created_at"])
    pairs = pairs.sort_values(["created_at", "owner"])
    several = pairs.groupby("lead_id")["owner"].nunique()
    several = several[several > 1]
    subject, treatment = "leads whose addresses are those of several leads", "taken for the one that was created first"
    business.report.warn(source.name, subject, len(several), str(several.index[0]) if len(several) else "", treatment)
    return pairs.drop_duplicates("lead_id").set_index("lead_id")["owner"]


def _strangers(business: _Business, source: SourceDataset, leads: pd.DataFrame) -> DataError:
    """Not one lead of a source is one of the whole: what its ids look like beside the others', and the remedy."""
    ways = " or ".join(
        [*["its ids"] * (source.id_column is not None), *["its e-mail addresses"] * (source.addresses is not None)]
    )
    examples = ""
    if source.id_column is not None and leads[source.id_column].notna().any() and len(business.leads):
        example = str(leads[source.id_column].dropna().iloc[0])
        if "@" not in example:
            first_id = str(business.leads["lead_id"].iloc[0])
            examples = (
                f" It has for example {with_mismatch(example, business.leads['lead_id'])}; the first source {first_id!r}."
            )
    return DataError(
        f"sources: by {ways} not one of the {len(leads):,} leads of {source.name} is one of the first source's.{examples}",
        "Say under `join:` by what they are the same: `id:`, a column with the first source's ids, or `email:`.",
    )


def _new_ids(source: SourceDataset, leads: pd.DataFrame) -> pd.Series:
    """Ids of leads that only this source has; where its ids are addresses, their hashes."""
    names = leads["lead_id"]
    if source.addresses is not None:
        keys = source.addresses.drop_duplicates("lead_id").set_index("lead_id")["email_key"].str.slice(0, LONGEST_KEY)
        names = names.where(~names.str.contains("@", regex=False), names.map(keys))
    return source.name + ":" + names


def _tell_matches(business: _Business, source: SourceDataset, leads: pd.DataFrame, owner: pd.Series) -> None:
    matched = owner.isin(set(business.leads["lead_id"]))
    shared = owner[matched]
    business.report.note(source.name, "leads that a source before has too", int(matched.sum()), done="joined")
    doubled = int(shared.duplicated(keep=False).sum())
    treatment = "what they did is that lead's; of columns the first counts"
    business.report.note(source.name, "leads that share a lead with another of theirs", doubled, done=treatment)
    example = next((str(name) for name in leads["lead_id"][~matched].head(1) if "@" not in str(name)), "")
    if source.unmatched == "add":
        business.report.note(source.name, "leads of this source alone", int((~matched).sum()), example, "added")
    else:
        remedy = "left out with all they did; `unmatched: add` under `join:` makes leads of them"
        business.report.warn(source.name, "leads that the first source does not have", int((~matched).sum()), example, remedy)


def _add_leads(business: _Business, source: SourceDataset, chosen: pd.DataFrame) -> set[str]:
    """Add those that only this source has; gives their ids. `chosen`: of each lead of the whole the row of this source."""
    new = chosen[~chosen.index.isin(set(business.leads["lead_id"]))]
    if len(new):
        rows = pd.DataFrame({"lead_id": pd.Series(new.index, dtype="str"), "created_at": new["created_at"].array})
        business.leads = concat_frames([business.leads, rows])
    if source.unmatched == "add":  # where the others are left out, who came earlier here would be known by having come so far
        created = business.leads["created_at"]
        earlier = _of(chosen, "created_at", business.leads)
        business.leads["created_at"] = created.mask((earlier < created).fillna(False), earlier)
    return set(new.index)


def _of(chosen: pd.DataFrame, column: str, leads: pd.DataFrame) -> pd.Series:
    """A column of this source for each lead of the whole, missing where it has none."""
    values = chosen[column].astype("boolean") if chosen[column].dtype == bool else chosen[column]
    return pd.Series(values.reindex(leads["lead_id"]).array, index=leads.index)


def _add_columns(business: _Business, source: SourceDataset, chosen: pd.DataFrame, new_ids: set[str]) -> list[str]:
    """The columns of leads that the whole has from this source. Of others that a source before has too only who is new in this
    one has its value."""
    leads = business.leads
    opted_out = _of(chosen, "opted_out", leads)
    leads["opted_out"] = leads["opted_out"].fillna(opted_out) | opted_out.fillna(False)
    company = _of(chosen, "company_id", leads)
    own_ids = (source.name + ":" + company.astype("str")).where(company.notna())
    leads["company_id"] = leads["company_id"].astype("object").where(leads["company_id"].notna(), own_ids)
    candidates = [column for column in _filled(chosen, source.name) if column != source.id_column]
    own_columns = [column for column in candidates if column not in business.owners]
    new = leads["lead_id"].isin(new_ids)
    for column in candidates:
        values = _of(chosen, column, leads)
        if column in own_columns:
            leads[column] = values
            business.owners[column] = source.name
        elif values.dtype == leads[column].dtype:
            leads[column] = leads[column].where(~new, values)
    several = [f"{column} ({business.owners[column]})" for column in candidates if column not in own_columns]
    shown = ", ".join(several[:LISTED]) + (" …" if len(several) > LISTED else "")
    business.report.note(source.name, "columns that a source before has too", len(several), shown, "the first one's counts")
    return own_columns


def _acts(source: SourceDataset, owners: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """Interactions, lead stages and deals by the leads of the whole; of leads that it has not, none."""
    tables = {}
    for name in OF_LEADS:
        frame = source.dataset.tables[name]
        owner = _renamed(frame["lead_id"], owners)
        rows = owner.notna().to_numpy()
        tables[name] = frame[rows].assign(lead_id=owner[rows].astype("str"))
    tables["deals"] = tables["deals"].assign(company_id=None)
    return tables


def _renamed(ids: pd.Series, owners: Mapping[str, str]) -> pd.Series:
    """Ids (n,), text or a category, as those of the whole; missing where it has none."""
    categories = ids.astype("category")
    names = np.array([*(owners.get(str(name)) for name in categories.cat.categories), None], dtype=object)
    return pd.Series(names[categories.cat.codes.to_numpy()], index=ids.index)


def _companies(business: _Business, source: SourceDataset) -> pd.DataFrame:
    """The companies of this source that leads of the whole have from it."""
    companies = source.dataset.companies
    ids = source.name + ":" + companies["company_id"].astype("str")
    used = ids.isin(set(business.leads["company_id"].dropna())).to_numpy()
    return companies.assign(company_id=ids)[used]


def _changes(
    business: _Business, source: SourceDataset, chosen: pd.DataFrame, own_columns: Sequence[str], new_ids: set[str]
) -> pd.DataFrame:
    """What became of the columns that the whole has from this source, of its companies, and of the opt-outs of leads of which
    no source before tells that."""
    changes = source.dataset.attribute_changes
    of_leads = changes[changes["entity"] == "lead"]
    of_leads = of_leads.assign(id=_renamed(of_leads["id"], dict(zip(chosen["lead_id"], chosen.index, strict=True))))
    of_leads = of_leads.dropna(subset="id")
    flags = of_leads[(of_leads["column"] == "opted_out") & ~of_leads["id"].isin(business.flagged)]
    business.flagged |= set(flags["id"])
    histories = of_leads[
        of_leads["column"].isin(own_columns) | (of_leads["id"].isin(new_ids) & (of_leads["column"] != "opted_out"))
    ]
    of_companies = changes[changes["entity"] == "company"]
    of_companies = of_companies.assign(id=source.name + ":" + of_companies["id"].astype("str"))
    of_companies = of_companies[of_companies["id"].isin(set(business.leads["company_id"].dropna()))]
    return pd.concat([histories, flags, of_companies], ignore_index=True)


def _tell_types(tables: Sequence[pd.DataFrame], sources: Sequence[SourceDataset], report: DataReport) -> None:
    """Interaction types that more than one source tells of: the same act may be told twice."""
    tellers: dict[str, list[str]] = {}
    for frame, source in zip(tables, sources, strict=True):
        for name in frame["type"].astype("str").unique():
            tellers.setdefault(name, []).append(source.name)
    shared = [f"{name} ({', '.join(names)})" for name, names in sorted(tellers.items()) if len(names) > 1]
    report.warn(
        "interactions",
        "types that several sources tell of",
        len(shared),
        ", ".join(shared[:LISTED]),
        "all count; where two tell of the same acts, leave them out in one (`interactions: {…: null}`)",
    )


def _below(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of one table below one another; a column that is not of one kind in all of them is text."""
    filled = [frame for frame in frames if len(frame)]
    if len(filled) < 2:
        return filled[0] if filled else frames[0]
    for column in {c for frame in filled for c in frame}:
        kinds = {_kind(frame[column]) for frame in filled if column in frame and frame[column].notna().any()}
        if len(kinds) > 1:
            filled = [with_columns(f, {str(column): f[column].astype("str")}) if column in f else f for f in filled]
    return concat_frames(filled)


def _kind(values: pd.Series) -> str:
    types = pd.api.types
    tests = {"flag": types.is_bool_dtype, "number": types.is_numeric_dtype, "time": types.is_datetime64_any_dtype}
    return next((name for name, is_kind in tests.items() if is_kind(values.dtype)), "text")
