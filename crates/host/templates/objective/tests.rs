use super::*;
use pstar_core::objective::{Moment, ObjectiveBuffer, PromptFacts, Row};
use pstar_core::rng::{Purpose, StreamKey};

fn objective(scale: f64) -> Result<{{Type}}, PluginError> {
    {{Type}}::new({{Type}} { scale })
}

/// Worked out by hand: rewards less their group's mean, times the scale, on each of a sequence's two tokens. A group whose
/// rewards are equal says nothing.
#[test]
fn coefficients_are_those_worked_out_by_hand() {
    let mut buffer = ObjectiveBuffer::default();
    for rewards in [[1.0, 0.0], [1.0, 1.0]] {
        buffer.push_group(0, PromptFacts::default());
        for reward in rewards {
            buffer.push(Row::new(reward, &[-0.5, -1.5]));
        }
    }
    let moment = Moment::new(0, StreamKey::new(1, Purpose::Objective, 0));
    let batch = buffer.view(moment).expect("the columns fit together");
    let mut objective = objective(2.0).unwrap_or_else(|error| panic!("{error}"));
    let step = objective
        .step(&batch)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        step.coefficients,
        [1.0, 1.0, -1.0, -1.0, 0.0, 0.0, 0.0, 0.0]
    );
}

#[test]
fn a_scale_that_is_none_is_refused() {
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(objective(scale).is_err(), "{scale}");
    }
}
