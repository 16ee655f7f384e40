//! Parameters of a policy in a safetensors file, 64 bits each: what they are called is the policy's to say.

use pstar_core::author::Tensor;
use safetensors::Dtype;
use safetensors::tensor::{SafeTensors, TensorView};
use std::collections::HashSet;

/// What the parameters are called where the policy does not say.
const UNNAMED: &str = "parameters";

/// The metadata entry that lists the tensors in the policy's order; files hold them in one of their own.
const ORDER: &str = "order";

/// The file of parameters that are `tensors` one behind another.
pub(super) fn write(tensors: &[Tensor], values: &[f64]) -> Vec<u8> {
    let whole = [Tensor::new(UNNAMED, &[values.len()])];
    let names: HashSet<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    let count = tensors.iter().map(Tensor::len).sum::<u64>();
    let told = names.len() == tensors.len() && count == values.len() as u64;
    let tensors = if told { tensors } else { &whole };
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut rest = bytes.as_slice();
    let mut views = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let (own, behind) = rest.split_at(8 * usize::try_from(tensor.len()).unwrap_or(0));
        rest = behind;
        let sizes = tensor.dimensions.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
        let view = TensorView::new(Dtype::F64, sizes, own);
        views.push((tensor.name.as_str(), view.unwrap_or_else(|error| unreachable!("sizes fit: {error}"))));
    }
    let order: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    let order =
        serde_json::to_string(&order).unwrap_or_else(|error| unreachable!("names serialise: {error}"));
    let metadata = [(ORDER.to_string(), order)].into_iter().collect();
    safetensors::serialize(views, Some(metadata))
        .unwrap_or_else(|error| unreachable!("tensors serialise: {error}"))
}

/// The parameters of a file that [`write`] wrote; nothing if it is something else.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<f64>> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).ok()?;
    let order: Vec<String> = serde_json::from_str(metadata.metadata().as_ref()?.get(ORDER)?).ok()?;
    let file = SafeTensors::deserialize(bytes).ok()?;
    let mut values = Vec::new();
    for name in order {
        let tensor = file.tensor(&name).ok().filter(|tensor| tensor.dtype() == Dtype::F64)?;
        for bytes in tensor.data().chunks(8) {
            values.push(f64::from_le_bytes(bytes.try_into().ok()?));
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_back_to_the_bit_in_their_order() {
        let values = [1.0, -0.0, f64::MIN_POSITIVE / 4.0, f64::INFINITY, 5e300, 6.0];
        let tensors = [Tensor::new("z", &[2, 2]), Tensor::new("a", &[1]), Tensor::new("m", &[])];
        // Names that are given twice, or of other values, are no names.
        let twice = [Tensor::new("a", &[3]), Tensor::new("a", &[3])];
        for told in [&tensors[..], &[], &tensors[..2], &twice] {
            let bytes = write(told, &values);
            let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&read(&bytes).unwrap()), bits(&values));
            assert_eq!(write(told, &values), bytes);
            assert!(read(&bytes[..bytes.len() - 1]).is_none());
        }
        let file = write(&tensors, &values);
        let file = SafeTensors::deserialize(&file).unwrap();
        assert_eq!(file.tensor("z").unwrap().shape(), [2, 2]);
        assert_eq!(read(&write(&[], &[])), Some(vec![]));
    }
}
