"""Every module of this room that has pages or says what it holds; importing this makes them known."""

from inclusion_app.referrals import (
    holding,
    messages,
    staff_case_views,
    staff_caseload_views,
    staff_directory_views,
    staff_figures_views,
    staff_file_views,
    staff_handover_views,
    staff_note_views,
    staff_outreach_views,
    staff_partner_views,
    staff_refer_views,
    staff_referral_views,
    staff_sheet_views,
    staff_task_views,
    staff_together_views,
)

__all__ = [
    "holding",
    "messages",
    "staff_case_views",
    "staff_caseload_views",
    "staff_directory_views",
    "staff_figures_views",
    "staff_file_views",
    "staff_handover_views",
    "staff_note_views",
    "staff_outreach_views",
    "staff_partner_views",
    "staff_refer_views",
    "staff_referral_views",
    "staff_sheet_views",
    "staff_task_views",
    "staff_together_views",
]
