"""The page's sections that are plain HTML; every text from outside goes through `esc`."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.report.funnel import Step, Yield
from jobs.report.night_state import NightState, Record, stage_label, time_line
from jobs.wording import counted, number

WORDS_LOST = 6


def esc(value: Any) -> str:
    """A text that HTML shows as it is, in content and in quoted attributes."""
    return html.escape(str(value), quote=True)


def percent(part: float, whole: float) -> str:
    """A share as `93 %` with a narrow no-break space; a dash when there is no whole."""
    if not whole:
        return "–"
    share = 100 * part / whole
    digits = 1 if 99 < share < 100 or 0 < share < 1 else 0
    return f"{share:.{digits}f}\u00a0%"


def duration(seconds: float | None) -> str:
    """`4.2 s`, `3 min 05 s` or `2 h 10 min`."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f}\u00a0s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}\u00a0min {rest:02}\u00a0s"
    return f"{minutes // 60}\u00a0h {minutes % 60:02}\u00a0min"


def memory(megabytes: float | None) -> str:
    """`310 MB` or `1.5 GB` (powers of 1,024)."""
    if not megabytes:
        return "–"
    return f"{megabytes / 1024:.1f}\u00a0GB" if megabytes >= 1024 else f"{megabytes:.0f}\u00a0MB"


def words(code: str) -> str:
    """A reason code for people: `edges_unclear` -> `edges unclear`."""
    return code.replace("_", " ").replace("+", ", ")


def key_figures(figures: Sequence[tuple[str, str, str]]) -> str:
    """(value, name, remark) triples as a definition list."""
    return "".join(
        f'<div class="figure"><dt>{esc(name)}</dt><dd><b>{esc(value)}</b><span>{esc(remark)}</span></dd></div>'
        for value, name, remark in figures
    )


def failure_panel(failed: Record | None, live: str | None) -> str:
    """What a failed night says first: which stage, why, where the log is; empty for a good one."""
    if failed is None:
        return ""
    stays = (
        f"<p>Release <code>{esc(live)}</code> stays live.</p>" if live else "<p>No release is live yet.</p>"
    )
    log = str(failed.get("log") or "")
    name = log.rsplit("/", 1)[-1]
    link = f'<p>Log: <a href="logs/{esc(name)}"><code>{esc(log)}</code></a></p>' if log else ""
    return f"""<section class="failure" aria-labelledby="failed-h">
<h2 id="failed-h">The night stopped in <code>{esc(stage_label(failed))}</code></h2>
<p class="why">{esc(failed.get("error") or "no reason was recorded")}</p>
{link}{stays}</section>"""


def _chips(counts: Mapping[str, int], kind: str) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = "".join(
        f'<li class="{kind}">{esc(words(name))} <b>{number(count)}</b></li>'
        for name, count in ordered[:WORDS_LOST]
    )
    more = sum(count for _, count in ordered[WORDS_LOST:])
    if more:
        shown += f'<li class="{kind}">{len(ordered) - WORDS_LOST} other reasons <b>{number(more)}</b></li>'
    return f'<ul class="chips">{shown}</ul>' if shown else ""


def funnel_table(caption: str, steps: Sequence[Step]) -> str:
    """One merchant's funnel; a bar shows which share of what came in went on."""
    rows = "".join(
        f"<tr><th scope=row>{esc(step.name)}</th>"
        f"<td class=n>{number(step.rows_in)}</td>"
        f'<td class=flow><span class=bar style="--share:{_share(step.rows_out, step.rows_in):.4f}"></span></td>'
        f"<td class=n><b>{number(step.rows_out)}</b></td><td class=unit>{esc(step.unit)}</td>"
        f"<td class=n>{number(step.set_aside) if step.set_aside else '–'}</td>"
        f"<td class=why>{_chips(step.reasons, 'lost')}{_chips(step.notes, 'note')}</td></tr>"
        for step in steps
    )
    return f"""<div class="scroll" tabindex="0" role="region" aria-label="Funnel of {esc(caption)}">
<table class="funnel">
<thead><tr><th scope=col>Step</th><th scope=col class=n>In</th><th scope=col class=flow><span class=sr>Share</span></th>
<th scope=col class=n>Out</th><th scope=col class=unit><span class=sr>Unit</span></th>
<th scope=col class=n>Set aside</th><th scope=col class=why>Why</th></tr></thead>
<tbody>{rows}</tbody></table></div>"""


def _share(part: float, whole: float) -> float:
    return max(0.0, min(1.0, part / whole)) if whole else 0.0


def funnel_section(total: Sequence[Step], merchants: Sequence[tuple[str, Sequence[Step]]]) -> str:
    """The funnel of all merchants together, then one for each."""
    if not merchants:
        return "<p class=none>No table of this night has rows yet.</p>"
    parts = [funnel_table("all merchants", total)] if len(merchants) > 1 else []
    for name, steps in merchants:
        products, published = steps[1].rows_in, steps[-1].rows_out
        is_open = " open" if len(merchants) <= 4 else ""
        parts.append(
            f"<details class=merchant{is_open}><summary><span class=name>{esc(name)}</span> "
            f"<span class=sum>{counted(products, 'product')}, {counted(published, 'face')} published</span></summary>"
            f"{funnel_table(name, steps)}</details>"
        )
    return "".join(parts)


def attempts_line(attempts: Yield) -> str:
    """First-pass yield and why attempts were rejected."""
    if not attempts.first:
        return ""
    text = f"{percent(attempts.first_accepted, attempts.first)} of {number(attempts.first)} first attempts passed; "
    text += f"{number(attempts.attempts)} attempts were scored in all."
    return f"<p class=lead>{esc(text)}</p>{_chips(attempts.rejected, 'lost')}"


def stage_section(night: NightState) -> str:
    """A row a stage: status, bars on a common time line, time, peak memory, counts."""
    if not night.records:
        return "<p class=none>No stage left a record.</p>"
    bars, length_s = time_line(night.records)
    rows = []
    for record, runs in zip(night.records, bars, strict=True):
        status = "cut off" if record["status"] == "running" else record["status"]
        wall_s = sum(run.wall_s for run in runs)
        marks = "".join(
            f'<span style="--from:{run.start_s / length_s:.5f};--part:{run.wall_s / length_s:.5f}"></span>'
            for run in runs
            if length_s
        )
        repeated = f" <span class=unit>{len(runs)} runs</span>" if len(runs) > 1 else ""
        room, _, short = stage_label(record).partition(".")
        counted = record.get("rows_in") is not None and status != "unchanged"
        rows.append(
            f'<tr class="{esc(status.replace(" ", "-"))}">'
            f"<th scope=row><span class=room>{esc(room)}.</span>{esc(short)}</th>"
            f"<td class=status>{esc(status)}</td><td class=track>{marks}</td>"
            f"<td class=n>{duration(wall_s) if runs else '–'}{repeated}</td>"
            f"<td class=n>{memory(record.get('peak_rss_mb')) if runs else '–'}</td>"
            + "".join(
                f"<td class=n>{number(record[name]) if counted else '–'}</td>"
                for name in ("rows_in", "rows_out", "set_aside")
            )
            + "</tr>"
        )
    return f"""<div class="scroll" tabindex="0" role="region" aria-label="Stages"><table class="stages">
<thead><tr><th scope=col>Stage</th><th scope=col>Status</th><th scope=col class=track>
<span class=axis><span>0</span><span>{duration(length_s)}</span></span></th><th scope=col class=n>Time</th>
<th scope=col class=n>Peak memory</th><th scope=col class=n>In</th><th scope=col class=n>Out</th>
<th scope=col class=n>Set aside</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>"""


def _broken_rule(item: Any) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    rows = f", {item['rows']} rows" if item.get("rows") is not None else ""
    return f"{item.get('table')}: {item.get('rule')} ({item.get('severity')}{rows})"


def expectations_section(records: Sequence[Record]) -> str:
    """What each table was expected to be when its stage had written it, and what was not so."""
    results = [result for record in records for result in record.get("expectations") or []]
    if not results:
        return ""
    rows = "".join(
        f"<tr><th scope=row><code>{esc(result['table'])}</code></th><td class=n>{number(result['rows'])}</td>"
        f"<td class=n>{number(result['expectations'] - len(result['broken']))} of "
        f"{number(result['expectations'])}</td><td>{_broken_rules(result['broken'])}</td></tr>"
        for result in results
    )
    return f"""<div class="scroll" tabindex="0" role="region" aria-label="Expectations"><table class="expectations">
<thead><tr><th scope=col>Table</th><th scope=col class=n>Rows</th><th scope=col class=n>Expectations hold</th>
<th scope=col>Broken</th></tr></thead><tbody>{rows}</tbody></table></div>"""


def _broken_rules(broken: Sequence[Mapping[str, Any]]) -> str:
    return "<br>".join(
        f"<b>{esc(item['severity'])}</b> {esc(item['rule'])}: {number(item['rows'])} rows, "
        f"for instance {esc('; '.join(item['examples']))}"
        for item in broken
    )


def gate_section(gate: Record | None, docs_exist: bool) -> str:
    """The gate's result, with a link to its own pages."""
    if gate is None:
        return "<p class=none>The gate did not run in this night.</p>"
    failed = [_broken_rule(item) for item in gate.get("failed") or []]
    expectations = int(gate.get("expectations") or 0)
    verdict = "passed" if gate.get("passed") else "failed"
    text = f"{number(max(0, expectations - len(failed)))} of {number(expectations)} expectations hold"
    link = f'<a href="{esc(gate.get("docs") or "gate/index.html")}">Great Expectations pages</a>'
    items = "".join(f"<li>{esc(item)}</li>" for item in failed)
    return (
        f'<p class="lead"><span class="badge {verdict}">{verdict}</span> {esc(text)}. '
        f"{link if docs_exist else 'Its pages are not there.'}</p>"
        + (f"<ul class=plain>{items}</ul>" if items else "")
    )


def rejects_section(
    groups: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]], counts: Counter[tuple[str, str]]
) -> str:
    """What was set aside, a group for each stage and reason, the first rows of each."""
    if not counts:
        return "<p class=none>Nothing was set aside.</p>"
    parts = []
    for (stage, reason), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        shown = groups[stage, reason]
        body = "".join(
            f"<tr><td>{esc(row['merchant_id'] or '–')}</td>"
            f"<td class=key>{esc(str(row['sku'] or row['key'])[:120])}</td><td>{esc(row['detail'][:400])}</td></tr>"
            for row in shown
        )
        more = count - len(shown)
        note = f"<p class=more>{number(more)} more in the table <code>rejects</code>.</p>" if more else ""
        parts.append(
            f"<details class=reject><summary><b>{number(count)}</b><span class=reason>{esc(words(reason))}</span>"
            f"<span class=stage>{esc(stage)}</span></summary><div class=scroll tabindex=0 role=region "
            f'aria-label="{esc(words(reason))}"><table class=rejects><thead><tr><th scope=col>Merchant</th>'
            f"<th scope=col>Product or row</th><th scope=col>What was wrong</th></tr></thead><tbody>{body}</tbody>"
            f"</table></div>{note}</details>"
        )
    return "".join(parts)
