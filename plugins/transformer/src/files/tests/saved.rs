//! Models that are saved over others.

use super::round_trips::{parameters, shapes};
use super::*;
use crate::files::save;
use std::fs;
use std::sync::Barrier;

/// Two models whose files fit those of the other: a mixture would be read.
fn two() -> [(TransformerShape, Vec<f64>); 2] {
    let shape =
        shapes().into_iter().find(|shape| write(Layout::Gpt2, shape, &parameters(shape)).is_ok()).unwrap();
    let other = TransformerShape { epsilon: 2.0 * shape.epsilon, ..shape.clone() };
    let numbers = parameters(&shape);
    let negated = numbers.iter().map(|number| -number).collect();
    [(shape, numbers), (other, negated)]
}

#[test]
fn those_that_save_at_once_leave_one_of_their_models() {
    let (model, models, together) = (Model::new(), two(), Barrier::new(6));
    let folder = model.path("");
    for round in 0..120 {
        std::thread::scope(|scope| {
            for (shape, numbers) in models.iter().cycle().take(6) {
                scope.spawn(|| {
                    together.wait();
                    save(&folder, shape, numbers).unwrap();
                });
            }
        });
        let found = model.load(&Restriction::default(), &task()).unwrap();
        assert!(models.contains(&found), "round {round}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "round {round}");
    }
}

#[test]
fn what_cannot_be_saved_leaves_no_mixture() {
    let (model, [first, second]) = (Model::new(), two());
    save(&model.path(""), &first.0, &first.1).unwrap();
    let tensors = fs::read(model.path("model.safetensors")).unwrap();
    // A folder where the configuration would be.
    fs::remove_file(model.path("config.json")).unwrap();
    fs::create_dir(model.path("config.json")).unwrap();
    let refused = save(&model.path(""), &second.0, &second.1).unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("save"), "{refused:?}");
    assert!(fs::read(model.path("model.safetensors")).unwrap() == tensors, "other tensors");
    fs::remove_dir(model.path("config.json")).unwrap();
    save(&model.path(""), &second.0, &second.1).unwrap();
    assert!(model.load(&Restriction::default(), &task()).unwrap() == second, "another model");
    // One in the plugin's own layout has no configuration beside it.
    let own = shapes().into_iter().find(|shape| {
        [Layout::Gpt2, Layout::Llama].iter().all(|layout| write(*layout, shape, &parameters(shape)).is_err())
    });
    let own = own.unwrap();
    save(&model.path(""), &own, &parameters(&own)).unwrap();
    assert!(!model.path("config.json").exists());
}
