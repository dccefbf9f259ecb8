"""Pictures of a data set, and a report that holds them in one HTML file.

Needs the extra `vitrax[view]` (matplotlib and jinja2), which are imported when used.
"""

from ._canvas import can_draw as can_draw
from ._comparison import (
    draw_correlations as draw_correlations,
    draw_pairs as draw_pairs,
)
from ._images import draw_gallery as draw_gallery, draw_map as draw_map
from ._micrograph import (
    draw_micrograph as draw_micrograph,
    draw_thon_rings as draw_thon_rings,
)
from ._report import (
    Report as Report,
    Section as Section,
    Table as Table,
    render_report as render_report,
)
from ._sampling import draw_spread as draw_spread, draw_views as draw_views
from ._transfer import draw_ctf as draw_ctf, draw_power as draw_power
