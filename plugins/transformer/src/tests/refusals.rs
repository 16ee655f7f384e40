//! What cannot be read, and what is said of settings that make no network.

use super::*;

#[test]
fn sequences_beyond_the_places_are_refused() {
    let (_, ending, shape) = shapes().swap_remove(1);
    let shape = TransformerShape { positions: Positions::Learned(8), ..shape };
    let policy = policy(&shape, ending, 9);
    let prompts: RaggedBuffer<u32> = [&[0, 1][..]].into_iter().collect();
    let request = SampleRequest::new(prompts.view(), &[0], &[0]).unwrap();
    let error = policy.sample(&request, KEY).unwrap_err();
    assert_eq!(
        error.message,
        "expected sequences of at most 8 tokens, for which the model has positions, found 3 before the first choice and \
         9 choices"
    );
    assert!(policy.score_outputs(&[0, 1], &mut [0.0]).is_err());
    let mut sequences = SequenceBuffer::new(prompts);
    sequences.push(0, [0; 6]);
    assert_eq!(scores(&policy, &sequences.view()).len(), 6);
}

#[test]
fn nothing_before_the_first_choice_is_refused() {
    let (_, ending, shape) = shapes().swap_remove(5);
    let shape = TransformerShape { context: Some(0), ..shape };
    let policy = policy(&shape, ending, 3);
    let prompts: RaggedBuffer<u32> = [&[][..]].into_iter().collect();
    let request = SampleRequest::new(prompts.view(), &[0], &[0]).unwrap();
    let error = policy.sample(&request, KEY).unwrap_err();
    assert!(error.message.starts_with("expected something before the first choice"), "{error}");
}

fn fault(text: &str) -> (String, String) {
    let config = pstar_core::config::parse(text).unwrap();
    let error = <Neural<Transformer> as Policy>::new(config, &task(4, Ending::EndSymbol)).unwrap_err();
    (error.field.unwrap_or_default(), error.message)
}

#[test]
fn bad_settings_are_named() {
    let cases = [
        ("()", "", "expected `width` or `load`, found neither"),
        ("(width: 0)", "width", "`width` must be at least 1, found `0`"),
        ("(width: 10)", "heads", "`heads` must divide `width`, found `4` and `10`"),
        ("(width: 8, kv_heads: 3)", "kv_heads", "`kv_heads` must divide `heads`, found `3` and `4`"),
        (
            "(width: 8, heads: 8, positions: Rotary(theta: 100.0))",
            "positions",
            "`Rotary` turns pairs of numbers: expected heads of an even size, found 1",
        ),
        (
            "(width: 8, positions: Rotary(theta: 1.0))",
            "positions",
            "`theta` must be a number above 1, found `1`",
        ),
        (
            "(width: 8, context: \"x\")",
            "context",
            "`context` is of a model that is loaded, but there is no `load`",
        ),
        ("(width: 100000)", "width", "expected at most 134217728 parameters, found 240001700000"),
    ];
    for (text, field, message) in cases {
        assert_eq!(fault(text), (field.to_string(), message.to_string()));
    }
}

#[test]
fn a_base_model_needs_a_source() {
    let config = pstar_core::config::parse("(width: 8)").unwrap();
    let error = <Neural<Transformer> as BaseModel>::new(config, &task(4, Ending::EndSymbol)).unwrap_err();
    assert_eq!(error.message, "expected `corpus` or `load`, found neither");
}
