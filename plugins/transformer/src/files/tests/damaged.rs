//! Whatever stands in a file, reading it ends with a model or an error.

use super::*;

/// Every seventh of the bytes that say what is there, replaced by one that means something in JSON.
#[test]
fn damaged_files_are_refused_and_not_fatal() {
    let task = task();
    let restriction = Restriction { context: Some("ab 12".into()), end: Some("\n".into()) };
    for (fixture, restriction) in [("gpt2", Restriction::default()), ("llama", restriction)] {
        let model = Model::of(fixture);
        if restriction.end.is_some() {
            model.write("tokenizer.json", super::super::tokenizer::tests::tokenizer().to_string());
        }
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            let Ok(whole) = std::fs::read(model.path(name)) else { continue };
            for place in (0..whole.len().min(1500)).step_by(7) {
                let mut damaged = whole.clone();
                damaged[place] = b"0\"9-}{"[place % 6];
                model.write(name, damaged);
                if let Err(error) = model.load(&restriction, &task) {
                    let (field, _) = field_and_message(&error);
                    assert!(["load", "context", "end"].contains(&field.as_str()));
                }
            }
            model.write(name, whole);
        }
    }
}
