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
    /// log Z_α = log Σ a^α over the valid outputs that the base reaches, α the power that the objective
    /// [declared](super::Declaration::power).
    pub log_power_partition: Option<f64>,
}

impl PromptFacts {
    /// The exact values log Z and log(1 − Z).
    pub fn new(log_partition: f64, log_invalidity: f64) -> Self {
        let (log_partition, log_invalidity) = (Some(log_partition), Some(log_invalidity));
        Self { log_partition, log_invalidity, ..Self::default() }
    }

    /// With the log of the greatest probability that the base gives a valid output.
    #[must_use]
    pub fn with_log_top_valid(self, log_top_valid: f64) -> Self {
        Self { log_top_valid: Some(log_top_valid), ..self }
    }

    /// With log Z_α of the power that the objective declared.
    #[must_use]
    pub fn with_log_power_partition(self, log_power_partition: f64) -> Self {
        Self { log_power_partition: Some(log_power_partition), ..self }
    }
}
