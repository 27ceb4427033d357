"""How pages look. Comes in: the charts' palettes. Goes out: one style sheet, for light, dark, narrow and paper."""

from __future__ import annotations

from dataclasses import asdict

from forecast.drawing import DARK, LIGHT, Palette

#: How much of a policy's colour a row has that sums up others.
TINT = 0.45


def style_sheet() -> str:
    """The style of every page, on the charts' palettes; paper is always light."""
    light, dark = (";".join(f"--{k}:{v}" for k, v in _colours(palette).items()) for palette in (LIGHT, DARK))
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return f":root{{{light}}}{dark}{_SCREEN}{_NARROW}{_PAPER}"


def _colours(palette: Palette) -> dict[str, str]:
    """A palette, and ``row``: the paper of rows that sum up others, between paper and policy."""
    mixed = [
        round(TINT * int(palette.policy[i : i + 2], 16) + (1 - TINT) * int(palette.paper[i : i + 2], 16))
        for i in (1, 3, 5)
    ]
    return {**asdict(palette), "row": "#" + "".join(f"{part:02x}" for part in mixed)}


_SCREEN = """
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1.5rem 1rem 4rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
html{background:var(--paper)}
h1{font-size:1.7rem;line-height:1.25;margin:0;overflow-wrap:anywhere}
h2{font-size:1.2rem;line-height:1.35;margin:2.4rem 0 .6rem;overflow-wrap:anywhere;scroll-margin-top:1rem}
h3{font-size:1rem;margin:1.4rem 0 .4rem;overflow-wrap:anywhere}
p{margin:.6rem 0;max-width:46rem;overflow-wrap:anywhere}
a{color:var(--future)}
header p,figcaption,caption,.figures span,.aside,footer{color:var(--muted)}
header p{margin:.3rem 0 0}
.lead{font-size:1.1rem}
.aside,footer{font-size:.85rem}
footer{margin-top:3rem;border-top:1px solid var(--grid)}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;margin:1rem 0 0;padding:0;font-size:.9rem}
nav a{display:inline-block;padding:.15rem 0;overflow-wrap:anywhere}
main{outline:0}
.skip{position:absolute;left:-100rem;padding:.4rem .8rem;background:var(--paper)}
.skip:focus{left:.5rem;top:.5rem;z-index:1}
a:focus-visible,.scroll:focus-visible{outline:2px solid var(--future);outline-offset:2px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.6rem;margin:.8rem 0}
.figures div{border:1px solid var(--grid);border-radius:.4rem;padding:.6rem .8rem}
.figures .main{border-color:var(--budget);border-width:2px}
.figures dt{font-size:.85rem;overflow-wrap:anywhere}
.figures dd{margin:0}
.figures b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
.figures .main b{color:var(--budget)}
.figures span,figcaption,caption{font-size:.85rem}
figure{margin:0}
figure svg{display:block;width:100%;height:auto;min-width:36rem;max-width:52rem;background:var(--paper)}
figcaption{max-width:46rem}
.scroll{overflow-x:auto}
.scroll+.scroll,figure+.scroll,p+.scroll{margin-top:1rem}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;min-width:min(100%,44rem)}
.prose{width:100%}
caption{caption-side:bottom;text-align:left;padding-top:.5rem}
th,td{padding:.22rem .5rem;text-align:left;font-weight:normal;vertical-align:top;white-space:nowrap}
thead th{font-weight:600;border-bottom:2px solid var(--muted);vertical-align:bottom}
tbody tr+tr>*{border-top:1px solid var(--grid)}
tbody tr.quarter>*,tbody tr.part>*{background:var(--row)}
tbody tr.total>*{font-weight:600;border-top:2px solid var(--muted)}
th.n,td.n{text-align:right}
.long{white-space:normal;overflow-wrap:anywhere;min-width:8.5rem}
.prose th,.prose td{white-space:normal;overflow-wrap:break-word}
.prose .n,.prose .day,.prose th:first-child{white-space:nowrap}
ol,ul{padding-left:1.4rem}
ol,main ul{margin:0;max-width:46rem;overflow-wrap:anywhere}
li+li{margin-top:.3rem}
nav li+li{margin-top:0}
@media (forced-colors:active){figure svg{forced-color-adjust:none}}
"""
#: A table of sentences is a list of blocks where there is no room for columns.
_NARROW = """
@media screen and (max-width:44rem){
.prose thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.prose{display:flex;flex-direction:column}
.prose tbody,.prose tr,.prose caption{display:block}
.prose caption{order:1}
.prose tr{padding:.4rem 0}
.prose tr>*{display:block;padding:0;border:0!important;overflow-wrap:anywhere;white-space:normal!important}
.prose tr+tr{border-top:1px solid var(--grid)}
.prose th:first-child{font-weight:600}
.prose .n{text-align:left}
.prose td+td{color:var(--muted)}
caption{position:sticky;left:0;max-width:calc(100vw - 2rem)}
}
"""
_PAPER = """
@page{margin:14mm 14mm 16mm;@bottom-right{content:counter(page) " / " counter(pages);font:8pt sans-serif;color:#58616c}}
@media print{
html{font-size:12px}
body{font-size:10pt;padding:0;max-width:none}
nav,.skip,.see{display:none}
p,figcaption,li{max-width:none}
.scroll{overflow:visible}
.long{min-width:19mm}
.wide table{font-size:6.5pt}.wide th,.wide td{padding:.15rem .25rem}
figure svg{min-width:0;width:auto;max-width:100%;max-height:74mm}
.tall svg{max-height:200mm;max-width:150mm}
h2,h3{break-after:avoid}h2{margin:1.6rem 0 .4rem}
figure,tr,.figures,.lead,.short{break-inside:avoid}
#numbers{break-before:page}#numbers table{font-size:7pt}#numbers th,#numbers td{padding:.08rem .4rem}
thead{display:table-header-group}
.figures{padding-right:1px}
tr.quarter>*,tr.part>*{print-color-adjust:exact}
}
"""
