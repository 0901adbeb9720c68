"""Where the signature of each mechanism is shown: its sentence in the field's table, as a test.

The documentation's index of mechanisms reads this, and `test_house` holds it to the code.
"""

DROPPED, OUTBOUND = "test_signature_dropped.py", "test_signature_outbound.py"
AGENTS, CUSTOMERS = "test_signature_agents.py", "test_signature_customers.py"
SCORES = "test_signature_scorecard.py"
TARGETS = "test_signature_targets.py"
CHANNELS, HARVEST = "test_signature_channels.py", "test_signature_harvest.py"
MOMENTS, FIRST = "test_signature_moments.py", "test_signatures.py"
SURVEYS, TIMING = "test_signature_surveys.py", "test_signature_timing.py"
CONTRACT = "test_signature_contract.py"
OWNERSHIP = "test_signature_ownership.py"
SKILLS = "test_signature_skills.py"

SIGNATURES = {
    "G1": (FIRST, "test_fabrication_rises_with_pay_in_a_step_and_not_in_proportion"),
    "G2": (FIRST, "test_who_was_not_let_go_finds_out_complains_and_leaves_a_detractor"),
    "G3": (MOMENTS, "test_orders_booked_as_upsells_raise_the_figures_and_not_the_sales"),
    "G4": (DROPPED, "test_who_holds_a_low_place_cuts_off_what_drags_on"),
    "G5": (CUSTOMERS, "test_pay_per_sale_brings_hard_sells_and_refunds"),
    "G6": (SURVEYS, "test_reported_scores_depart_from_what_all_would_say"),
    "G7": (TIMING, "test_logged_sales_bunch_at_the_threshold"),
    "G8": (MOMENTS, "test_what_spoils_the_figures_is_passed_on"),
    "P1": (FIRST, "test_a_target_makes_logged_saves_bunch_and_a_piece_rate_does_not"),
    "P2": (SCORES, "test_weight_on_offers_moves_effort_to_offers_and_costs_satisfaction"),
    "P3": (SCORES, "test_noise_in_quality_moves_effort_from_care_to_speed"),
    "P4": (TARGETS, "test_goals_strain_and_gaming_rise_and_performance_does_not"),
    "P5": (MOMENTS, "test_who_holds_a_low_place_hurries"),
    "A1": (MOMENTS, "test_a_contractor_between_makes_it_easier_to_deceive_the_client"),
    "A2": (AGENTS, "test_a_thank_you_in_kind_moves_more_than_as_much_in_cash"),
    "A3": (AGENTS, "test_repeats_that_the_client_causes_wear_willing_work_down"),
    "A4": (AGENTS, "test_the_appeal_moves_people_while_it_is_quiet_and_not_while_they_are_busy"),
    "A5": (AGENTS, "test_lies_spread_between_desks_and_not_between_teams"),
    "A6": (AGENTS, "test_coaching_raises_what_it_is_aimed_at"),
    "A7": (MOMENTS, "test_who_has_just_been_selling_sells_better"),
    "A8": (MOMENTS, "test_a_failed_close_slows_the_next_contact"),
    "A9": (AGENTS, "test_pay_per_save_draws_and_keeps_mercenaries"),
    "C1": (FIRST, "test_good_service_raises_the_next_expectation"),
    "C2": (CUSTOMERS, "test_a_pitch_at_the_end_of_a_good_contact_costs_more"),
    "C3": (FIRST, "test_openness_differs_between_customers"),
    "C4": (FIRST, "test_an_offer_sells_more_and_harms_less_after_the_issue"),
    "C5": (CUSTOMERS, "test_an_offer_where_a_need_shows_pleases_and_a_blind_one_does_not"),
    "C6": (FIRST, "test_made_up_minds_are_seldom_changed_and_then_by_pressure"),
    "C7": (CUSTOMERS, "test_revenue_follows_satisfaction_with_a_lag"),
    "C8": (CUSTOMERS, "test_the_delighted_bring_others"),
    "O1": (OUTBOUND, "test_idle_agents_sell_and_callers_wait_a_little"),
    "O3": (OUTBOUND, "test_the_diallers_silence_gives_it_away"),
    "C9": (HARVEST, "test_those_whose_data_were_sold_are_less_content_later_and_leave"),
    "C10": (OWNERSHIP, "test_who_must_serve_its_buyers_sells_fewer_duds"),
    "O2": (
        SKILLS,
        "test_single_skill_pools_wait_longer_than_as_many_agents_who_can_do_everything",
    ),
    "O4": (
        CHANNELS,
        "test_two_chats_at_once_serve_more_per_hour_each_takes_longer_and_waits_fall",
    ),
    "O5": (FIRST, "test_callers_wait_and_give_up_when_the_load_is_high"),
    "O7": (CONTRACT, "test_clients_whose_customers_are_gamed_cut_or_leave"),
    "O6": (FIRST, "test_fabrication_falls_when_checks_are_believed_more_likely_or_dearer"),
}
"""File and test, by id."""
