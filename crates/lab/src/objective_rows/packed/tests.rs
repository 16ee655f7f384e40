use super::super::TokenValues;
use super::*;
use pstar_core::rng::{Purpose, StreamKey};

fn moment() -> Moment {
    Moment::new(0, StreamKey::new(0, Purpose::Objective, 0))
}

/// Sequences whose rewards are 1, with nothing told of them but their groups and lengths.
fn columns<'a>(groups: &'a [u32], lengths: &'a [u64], log_probs: TokenValues<'a>) -> SequenceColumns<'a> {
    SequenceColumns {
        groups,
        rewards: &[1.0; 4][..groups.len()],
        lengths,
        weights: None,
        ended: None,
        outcomes: None,
        log_probs,
        behaviour_log_probs: None,
        base_log_probs: None,
    }
}

fn facts(group: u32) -> PromptFacts {
    if group == 1 { PromptFacts::new(-0.5, -0.9) } else { PromptFacts::default() }
}

#[test]
fn sequences_are_packed_by_group_and_come_back_in_their_order() {
    let given = [-1.0, -2.0, -3.0, -4.0, -5.0];
    let weights = [0.1, 0.2, 0.3, 0.4];
    let mut columns = columns(&[4, 1, 4, 1], &[2, 1, 0, 2], TokenValues::Ragged(&given));
    columns.weights = Some(&weights);
    columns.ended = Some(&[1, 0, 0, 1]);
    columns.outcomes = Some(&[9, 8, 7, 6]);
    let packed = PackedRows::new(&columns, facts).unwrap().within(7);
    let batch = packed.view(moment()).unwrap();
    let log_probs = batch.log_probs();
    assert_eq!(log_probs.rows().collect::<Vec<_>>(), [&[-3.0][..], &[-4.0, -5.0], &[-1.0, -2.0], &[]]);
    assert_eq!((batch.groups(), batch.group(0), batch.group(1)), (2, 0..2, 2..4));
    assert_eq!((packed.groups(), batch.horizon()), (&[1, 4][..], Some(7)));
    assert_eq!((batch.facts(0).log_partition, batch.facts(1).log_partition), (Some(-0.5), None));
    let told = |i| (batch.weight(i), batch.ended(i), batch.outcome(i).unwrap());
    assert_eq!([0, 1, 2, 3].map(told), [(0.2, false, 8), (0.4, true, 6), (0.1, true, 9), (0.3, false, 7)]);
    let back = packed.by_sequence(log_probs.values());
    assert_eq!(back, [&[-1.0, -2.0][..], &[-3.0], &[], &[-4.0, -5.0]]);
}

#[test]
fn columns_in_order_are_lent_and_others_copied() {
    let given = [-1.0, -2.0, -3.0];
    let is_lent = |groups: &[u32]| {
        let mut columns = columns(groups, &[2, 1], TokenValues::Ragged(&given));
        columns.base_log_probs = Some(columns.log_probs);
        let packed = PackedRows::new(&columns, facts).unwrap();
        let batch = packed.view(moment()).unwrap();
        let places = [batch.log_probs(), batch.behaviour_log_probs(), batch.base_log_probs().unwrap()];
        places.map(|values| std::ptr::eq(values.values(), &raw const given[..]))
    };
    assert_eq!((is_lent(&[0, 3]), is_lent(&[3, 0])), ([true; 3], [false; 3]));
}

#[test]
fn padded_rows_give_the_same_batch_as_ragged_ones() {
    let nan = f64::NAN;
    let (padded, width) = ([-1.0, -2.0, -3.5, nan, nan, nan], 2);
    let single = [-1.0, -2.0, -3.5, f32::NAN, f32::NAN, f32::NAN];
    for groups in [[0, 1, 2], [2, 0, 1]] {
        let of = |values| {
            let packed = PackedRows::new(&columns(&groups, &[2, 1, 0], values), facts).unwrap();
            packed.view(moment()).unwrap().log_probs().values().to_vec()
        };
        let expected = of(TokenValues::Ragged(&[-1.0, -2.0, -3.5]));
        assert_eq!(of(TokenValues::Padded { values: &padded, width }), expected);
        assert_eq!(of(TokenValues::PaddedSingle { values: &single, width }), expected);
    }
}

#[test]
fn the_fault_is_named() {
    let found = |columns: SequenceColumns<'_>| PackedRows::new(&columns, facts).unwrap_err();
    let two = TokenValues::Ragged(&[-1.0, -2.0]);
    let (column, expected) = ("log_probs", 3);
    assert_eq!(found(columns(&[0], &[3], two)), RowFault::Tokens { column, expected, found: 2 });
    let huge = columns(&[0, 0], &[u64::MAX, 3], two);
    assert_eq!(found(huge), RowFault::Tokens { column, expected: u64::MAX, found: 2 });
    let wide = TokenValues::Padded { values: &[-1.0, -2.0], width: 1 };
    let fault = RowFault::Width { sequence: 1, column, expected: 2, found: 1 };
    assert_eq!(found(columns(&[0, 0], &[1, 2], wide)), fault);
    let fault = RowFault::Tokens { column, expected: 1, found: 2 };
    assert_eq!(found(columns(&[0], &[1], wide)), fault);
    let fault = RowFault::Rows { column: "lengths", expected: 1, found: 2 };
    assert_eq!(found(columns(&[0], &[1, 1], two)), fault);
    let mut half = columns(&[0, 0], &[1, 1], two);
    half.rewards = &[1.0, 0.5];
    assert_eq!(found(half), RowFault::Reward { sequence: 1, found: 0.5 });
}
