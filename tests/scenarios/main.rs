//! Stories in plain text, each played by the real daemon over a simulated studio: the policy, the
//! sessions, what people and fate do, and the transcript of what came of it, which is compared word by
//! word. `story.rs` says what can happen, `setting.rs` what need not be written.
//!
//! A new one is a file here and a line below; `LIGHTSOUT_BLESS=1 cargo test --test scenarios` writes
//! down its transcript, to be read before it is committed.

mod codes;
#[path = "../common/mod.rs"]
mod common;
mod door;
mod local;
mod setting;
mod stage;
mod story;
mod text;
mod transcript;

/// Declares the scenarios: a test for each.
macro_rules! scenarios {
    ($($name:ident)*) => {
        /// All of them.
        const SCENARIOS: &[&str] = &[$(stringify!($name)),*];

        $(
            #[tokio::test]
            async fn $name() {
                let scenario = text::Scenario::read(stringify!($name));
                scenario.compare(&stage::play(&scenario).await);
            }
        )*
    };
}

scenarios! {
    a_clock_that_goes_back
    a_clock_that_is_set_back
    a_closed_day_in_the_middle_of_the_week
    a_crunch_lifts_everything
    a_holiday_on_a_monday
    a_keep_just_in_time
    a_keep_on_a_machine_that_is_off
    a_keep_that_is_too_long
    a_keep_until_that_ends_in_the_night
    a_late_evening_after_a_stop_of_ours
    a_listing_that_loses_sight_of_a_studio
    a_long_weekend_in_rotation
    a_long_weekend_that_a_machine_would_not_outlive
    a_machine_made_in_the_evening
    a_machine_that_is_deleted
    a_machine_that_slept_over_the_evening
    a_pause_that_ends_by_itself
    a_pilot_with_two_artists
    a_policy_that_changes_in_the_evening
    a_policy_that_makes_everything_due
    a_profile_that_forbids_stopping
    a_schedule_by_tag
    a_start_missed_because_the_daemon_was_down
    a_stop_due_between_two_scans
    a_stop_that_fails
    a_studio_that_cannot_be_read_whole
    a_window_that_closes_in_an_hour_that_comes_twice
    a_window_that_opens_in_an_hour_that_is_not_there
    an_answer_that_is_lost
    an_artist_in_another_zone
    an_artist_who_renders_until_ten
    another_account_answers
    friday_evening_before_a_crunch_saturday
    keeps_of_all_kinds
    monday_start_friday_stop
    asked_late_after_a_keep
    no_capacity_in_the_morning
    no_capacity_until_it_is_too_late
    no_hole_at_sunday_midnight
    nobody_says_whose_studio_it_is
    not_worth_it_and_never_due
    started_ahead_of_the_hour_and_left_on
    started_by_hand_for_the_weekend
    stops_that_are_refused
    the_brake_counts_an_hour
    the_brake_holds_a_wrong_schedule
    the_brake_holds_until_it_is_approved
    the_licence_server_is_down_for_a_night
    the_log_is_lost_and_the_mark_remains
    the_night_in_which_the_clock_goes_back
    the_night_in_which_the_clock_goes_forward
    warnings_that_come_late
    weekdays_in_cron_are_those_of_crontab
    what_a_person_stopped_stays_off
    what_is_not_understood_is_left_alone
    who_comes_back_at_night_is_not_fought
    windows_over_midnight_and_over_the_weekend
}
