"""The theme of the page: warm greys, against which faces keep their colours, one petrol accent, own type.

Every text reaches a contrast of 4.5:1, light and dark; ``tests/ui/test_accessible.py`` measures it in the
browser. What a theme cannot say (focus, disabled buttons, the accent in the dark) stands in
``assets/frame.css``.
"""

from __future__ import annotations

import gradio as gr

FONT, WEIGHTS = "IBM Plex Sans", (400, 700)
"""The typeface: it comes with Gradio, so nothing is asked of another host.

Most of Gradio's other files hold a few letters only (of Source Sans 3 and Lexend: accented ones), or another
face than their name says ("Montserrat Regular" is Alternates); a test looks for all the signs of the page.
"""

MARGINS = "<style>@media (max-width: 700px) { .main.fillable.app { padding: 12px 16px !important; } }</style>"
"""Narrow margins on a phone, for the head of the page: they are outside of what Gradio lets ``css`` reach."""

_GREYS = gr.themes.Color(
    name="warm",
    c50="#faf9f7", c100="#f3f2ee", c200="#e5e3dd", c300="#cfccc4", c400="#a09d95", c500="#716e67",
    c600="#585650", c700="#42403c", c800="#2b2a27", c900="#1d1c1a", c950="#131311",
)  # fmt: skip
# Opposite to the colours of skin.
_PETROL = gr.themes.Color(
    name="petrol",
    c50="#edf8f6", c100="#d2eeea", c200="#a6ddd6", c300="#74c9bf", c400="#4db6ab", c500="#23938a",
    c600="#0f716a", c700="#0d5d57", c800="#0f4a46", c900="#103c39", c950="#04211f",
)  # fmt: skip


def studio_theme() -> gr.themes.Base:
    """Return the theme that the page is launched with."""
    theme = gr.themes.Base(
        primary_hue=_PETROL,
        secondary_hue=_PETROL,
        neutral_hue=_GREYS,
        radius_size=gr.themes.sizes.radius_lg,
        font=(gr.themes.LocalFont(FONT, WEIGHTS), "system-ui", "sans-serif"),
        font_mono=("ui-monospace", "Consolas", "monospace"),
    )
    return theme.set(**_SURFACES, **_WORDS, **_FIELDS, **_BUTTONS)


_SURFACES = {
    "body_background_fill": "*neutral_100",
    "body_background_fill_dark": "*neutral_950",
    "background_fill_primary": "white",
    "background_fill_primary_dark": "*neutral_900",
    "background_fill_secondary": "*neutral_50",
    "background_fill_secondary_dark": "*neutral_800",
    "border_color_primary": "*neutral_200",
    "border_color_primary_dark": "#3a3935",
    "block_background_fill": "white",
    "block_background_fill_dark": "*neutral_900",
    "block_border_width": "1px",
    "block_border_width_dark": "1px",
    "block_radius": "*radius_xl",
    "block_shadow": "0 1px 2px rgb(43 42 39 / 0.05)",
    "block_shadow_dark": "none",
    "container_radius": "*radius_xl",
    "panel_background_fill": "*neutral_50",
    "panel_border_width": "0px",
    "layout_gap": "16px",
    "form_gap_width": "1px",
    "color_accent": "*primary_600",
    "color_accent_soft": "*primary_50",
    "loader_color": "*primary_600",
    "loader_color_dark": "*primary_400",
    "slider_color": "*primary_600",
    "slider_color_dark": "*primary_400",
}

_WORDS = {
    "body_text_color": "*neutral_800",
    "body_text_color_dark": "*neutral_100",
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "#b7b4ac",
    "body_text_size": "*text_md",
    "link_text_color": "*primary_700",
    "link_text_color_hover": "*primary_800",
    "link_text_color_active": "*primary_800",
    "link_text_color_visited": "*primary_700",
    "link_text_color_dark": "*primary_300",
    "link_text_color_hover_dark": "*primary_200",
    "link_text_color_active_dark": "*primary_200",
    "link_text_color_visited_dark": "*primary_300",
    "block_info_text_color": "*neutral_600",
    "block_info_text_color_dark": "#b7b4ac",
    "block_label_background_fill": "*neutral_100",
    "block_label_background_fill_dark": "*neutral_800",
    "block_label_border_width": "0px",
    "block_label_border_width_dark": "0px",
    "block_label_shadow": "none",
    "block_label_radius": "*radius_md",
    "block_label_margin": "*spacing_md",
    "block_label_padding": "3px 9px",
    "block_label_text_color": "*neutral_700",
    "block_label_text_color_dark": "*neutral_200",
    "block_label_text_weight": "600",
    "block_title_text_color": "*neutral_800",
    "block_title_text_color_dark": "*neutral_100",
    "block_title_text_weight": "600",
    "section_header_text_weight": "600",
}

_FIELDS = {
    "input_background_fill": "*neutral_50",
    "input_background_fill_dark": "*neutral_800",
    "input_border_color": "*neutral_300",
    "input_border_color_dark": "#4b4a45",
    "input_border_color_focus": "*primary_600",
    "input_border_color_focus_dark": "*primary_400",
    "input_border_width": "1px",
    "input_border_width_dark": "1px",
    "input_placeholder_color": "*neutral_500",
    "input_placeholder_color_dark": "#a8a59d",
    "input_radius": "*radius_md",
    "checkbox_border_color": "*neutral_500",
    "checkbox_border_color_dark": "*neutral_400",
    "checkbox_background_color_selected": "*primary_600",
    "checkbox_background_color_selected_dark": "*primary_600",
    "checkbox_border_color_selected": "*primary_600",
    "checkbox_border_color_selected_dark": "*primary_400",
    "checkbox_label_background_fill": "white",
    "checkbox_label_background_fill_dark": "*neutral_800",
    "checkbox_label_background_fill_hover": "*neutral_50",
    "checkbox_label_background_fill_hover_dark": "*neutral_700",
    "checkbox_label_background_fill_selected": "*primary_50",
    "checkbox_label_background_fill_selected_dark": "*primary_900",
    "checkbox_label_border_color_selected": "*primary_600",
    "checkbox_label_border_color_selected_dark": "*primary_400",
    "checkbox_label_border_width": "1px",
    "checkbox_label_border_width_dark": "1px",
}

_BUTTONS = {
    "button_large_radius": "*radius_lg",
    "button_small_radius": "*radius_md",
    "button_large_text_weight": "600",
    "button_small_text_weight": "600",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_background_fill_dark": "*primary_400",
    "button_primary_background_fill_hover_dark": "*primary_300",
    "button_primary_border_color": "*primary_600",
    "button_primary_border_color_dark": "*primary_400",
    "button_primary_text_color": "white",
    "button_primary_text_color_dark": "*primary_950",
    "button_secondary_background_fill": "white",
    "button_secondary_background_fill_hover": "*neutral_50",
    "button_secondary_background_fill_dark": "*neutral_800",
    "button_secondary_background_fill_hover_dark": "*neutral_700",
    "button_secondary_border_color": "*neutral_300",
    "button_secondary_border_color_dark": "#4b4a45",
    "button_secondary_text_color": "*neutral_800",
    "button_secondary_text_color_dark": "*neutral_100",
    "button_cancel_text_color": "#9f2318",
    "button_cancel_text_color_dark": "#ffb4a8",
    "button_border_width": "1px",
    "button_border_width_dark": "1px",
}
