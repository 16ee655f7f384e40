//! How fast rotary positions turn, from either form of the fields.

use super::super::config::refused;
use super::super::fault::Fault;
use super::super::fields::Fields;
use pstar_core::shown;

const DEFAULT_THETA: f64 = 10_000.0;

/// θ: from `rope_theta`, which stands at the top level in older files and within `rope_parameters` in newer ones.
///
/// Everything but plain rotary positions of whole heads is refused.
pub(super) fn theta(fields: Fields<'_>) -> Result<f64, Fault> {
    refuse_partial(fields)?;
    let mut given = fields.positive("rope_theta")?;
    for name in ["rope_parameters", "rope_scaling"] {
        let Some(rope) = fields.object(name)? else { continue };
        refuse_scaled(name, rope)?;
        refuse_partial(rope)?;
        let theta = rope.positive("rope_theta")?;
        match (given, theta) {
            (Some(first), Some(second)) if first != second => {
                let message =
                    format!("expected `rope_theta` once, found `{first}` and in `{name}` `{second}`");
                return Err(Fault::new(message, "leave the one out that the model was not trained with"));
            }
            _ => given = given.or(theta),
        }
    }
    Ok(given.unwrap_or(DEFAULT_THETA))
}

fn refuse_scaled(name: &str, rope: Fields<'_>) -> Result<(), Fault> {
    if let Some(inner) = rope.first_object() {
        return Err(refused(name, "as one set of fields", &format!("sets of its own in `{}`", shown(inner))));
    }
    let kind = rope.text("rope_type")?.or(rope.text("type")?);
    match kind {
        Some("default") => Ok(()),
        None if rope.get("factor").is_none() => Ok(()),
        Some(kind) => Err(refused(name, "of type `default`", &format!("`{}`", shown(kind)))),
        None => Err(refused(name, "of type `default`", "a `factor` without a type")),
    }
}

fn refuse_partial(fields: Fields<'_>) -> Result<(), Fault> {
    match fields.positive("partial_rotary_factor")? {
        Some(factor) if factor != 1.0 => Err(refused("partial_rotary_factor", "`1`", &format!("`{factor}`"))),
        _ => Ok(()),
    }
}
