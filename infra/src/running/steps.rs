//! The steps of a run's life, by name.
//!
//! With the cargo feature `failpoints` each is a fail point: `FAILPOINTS=run.after_submit=return` (see
//! the crate `fail`; `2*off->return` passes twice first) kills the process there, as `kill -9` would.
//! Without the feature they cost nothing.

/// Before the append that accepts a run.
pub const BEFORE_REQUEST: &str = "run.before_request";
/// After it.
pub const AFTER_REQUEST: &str = "run.after_request";
/// Before the inputs are opened and fetched.
pub const BEFORE_INPUTS: &str = "run.before_inputs";
/// Before the append that says the run is about to be sent, where the first one did not.
pub const BEFORE_INTENT: &str = "run.before_intent";
/// After it.
pub const AFTER_INTENT: &str = "run.after_intent";
/// Right before the run is handed to its provider.
pub const BEFORE_SUBMIT: &str = "run.before_submit";
/// Right after the provider answered, or did not.
pub const AFTER_SUBMIT: &str = "run.after_submit";
/// Before the append of the provider's id.
pub const BEFORE_SUBMITTED: &str = "run.before_submitted";
/// After it.
pub const AFTER_SUBMITTED: &str = "run.after_submitted";
/// After the append that says the outcome is unknown.
pub const AFTER_UNKNOWN: &str = "run.after_unknown";
/// After the append that says the provider never got it.
pub const AFTER_DISPROVED: &str = "run.after_disproved";
/// Before each answer of a provider that is asked about a run is looked at.
pub const AFTER_PROBE: &str = "run.after_probe";
/// Before an output is stored.
pub const BEFORE_STORE: &str = "run.before_store";
/// After each output is stored.
pub const AFTER_STORE: &str = "run.after_store";
/// Before the append that ends the run.
pub const BEFORE_SETTLE: &str = "run.before_settle";
/// After it, before anybody is told.
pub const AFTER_SETTLE: &str = "run.after_settle";
/// After another node's attempt was taken over.
pub const AFTER_TAKEOVER: &str = "run.after_takeover";

/// Every step, in the order of a run's life.
pub const ALL: [&str; 17] = [
    BEFORE_REQUEST,
    AFTER_REQUEST,
    BEFORE_INPUTS,
    BEFORE_INTENT,
    AFTER_INTENT,
    BEFORE_SUBMIT,
    AFTER_SUBMIT,
    BEFORE_SUBMITTED,
    AFTER_SUBMITTED,
    AFTER_UNKNOWN,
    AFTER_DISPROVED,
    AFTER_PROBE,
    BEFORE_STORE,
    AFTER_STORE,
    BEFORE_SETTLE,
    AFTER_SETTLE,
    AFTER_TAKEOVER,
];

/// Reads the environment's `FAILPOINTS`. Fail points stay set until the process ends.
#[cfg(feature = "failpoints")]
pub fn arm_from_environment() {
    std::mem::forget(fail::FailScenario::setup());
}

/// Kills the process here where the step is armed.
#[cfg(feature = "failpoints")]
pub(crate) fn reach(step: &'static str) {
    fail::fail_point!(step, |_| die(step));
}

/// Nothing is armed without the feature.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn reach(_step: &'static str) {}

#[cfg(feature = "failpoints")]
fn die(step: &str) {
    eprintln!("fail point {step}: killing this process");
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // The signal is on its way; nothing more may happen here.
    loop {
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = ALL.iter().collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|name| name.starts_with("run.")));
    }
}
