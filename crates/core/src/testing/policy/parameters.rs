//! Whether a policy is its parameters.

use super::Of;
use super::drawn::{noise, parameters, policy, scores, sequences, set};
use crate::testing::{Conclusion, Failure, Outcome};

/// Moves one policy to the parameters of another, away and back.
pub(super) fn check(subject: Of<'_, '_>) -> Conclusion {
    let (drawn, mut fresh, batch) = (policy(subject, 1)?, subject.fresh()?, sequences(subject.task));
    let values = parameters(&*drawn)?;
    let count =
        drawn.parameter_count().map_err(|error| Failure::of_error("the number of its parameters", &error))?;
    if values.len() != count {
        return Err(Failure::new(
            "its parameters",
            format!("{count} values, as `parameter_count` has it"),
            values.len().to_string(),
            "show all parameters, in the order that `set_parameters` reads",
        ));
    }
    let expected = scores(&*drawn, &batch)?;
    set(&mut *fresh, &values)?;
    let same = |found: &[f64], what: &str, how: &str, expected: &[f64]| match expected
        .iter()
        .zip(found)
        .find(|(a, b)| a.to_bits() != b.to_bits())
    {
        None => Ok(()),
        Some((a, b)) => Err(Failure::new(
            format!("{what} {how}"),
            format!("{a}, to the bit"),
            b.to_string(),
            "a policy must be a function of its parameters: drop what was worked out from others when they are set",
        )),
    };
    same(&parameters(&*fresh)?, "the parameters", "that were set", &values)?;
    same(&scores(&*fresh, &batch)?, "the scores", "at the parameters of another policy", &expected)?;
    let moved: Vec<f64> = values.iter().enumerate().map(|(i, x)| x + 0.3 * noise(9, i)).collect();
    set(&mut *fresh, &moved)?;
    let elsewhere = scores(&*fresh, &batch)?;
    set(&mut *fresh, &values)?;
    same(&scores(&*fresh, &batch)?, "the scores", "back at parameters that were left", &expected)?;
    if count > 0 && elsewhere == expected {
        return Err(Failure::new(
            "the scores at parameters that were moved at random",
            "other scores",
            "the same to the bit",
            "let `set_parameters` take effect: a policy whose scores do not change cannot be trained",
        ));
    }
    if count > 0 {
        let mut poisoned = values.clone();
        poisoned[count / 2] = f64::NAN;
        if fresh.set_parameters(&poisoned).is_ok() {
            return Err(Failure::new(
                "to take a parameter that is NaN",
                "a refusal",
                "none",
                "refuse NaN and +∞ in `set_parameters`: every figure would be NaN from then on",
            ));
        }
    }
    Outcome::passed(format!("{count} parameters"))
}
