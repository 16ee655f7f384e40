//! What is known of a prompt.

/// The exact values of one prompt, where the host knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PromptFacts {
    /// log Z = log A1: the log-probability that a sample of the base is valid.
    pub log_partition: Option<f64>,
    /// log A0: the log-probability that it is not.
    pub log_invalidity: Option<f64>,
    /// Log of the greatest probability that the base gives a valid output, −∞ where it gives none;
    /// [`prepare`](super::Objective::prepare) alone is told.
    pub log_top_valid: Option<f64>,
}

impl PromptFacts {
    /// The exact values log Z and log(1 − Z).
    pub fn new(log_partition: f64, log_invalidity: f64) -> Self {
        let (log_partition, log_invalidity) = (Some(log_partition), Some(log_invalidity));
        Self { log_partition, log_invalidity, log_top_valid: None }
    }

    /// With the log of the greatest probability that the base gives a valid output.
    #[must_use]
    pub fn with_log_top_valid(self, log_top_valid: f64) -> Self {
        Self { log_top_valid: Some(log_top_valid), ..self }
    }
}
