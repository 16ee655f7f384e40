//! Names beside marks: each at the nearest free place.

use crate::figure::path::Point;

/// Width of a letter of a name, about.
pub(crate) const LETTER: f64 = 6.1;

/// Height of a name.
const HEIGHT: f64 = 13.0;

/// Half of what a mark takes.
const MARK: f64 = 6.0;

/// Distances from the mark that are tried in turn.
const DISTANCES: [f64; 4] = [10.0, 18.0, 32.0, 48.0];

/// From here on a line leads from the name to its mark.
const LEADER: f64 = 20.0;

/// A rectangle: left, top, right, bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Block(pub(crate) f64, pub(crate) f64, pub(crate) f64, pub(crate) f64);

impl Block {
    fn meets(&self, other: &Self) -> bool {
        self.0 < other.2 && other.0 < self.2 && self.1 < other.3 && other.1 < self.3
    }

    fn is_within(&self, area: &Self) -> bool {
        area.0 <= self.0 && area.1 <= self.1 && self.2 <= area.2 && self.3 <= area.3
    }

    pub(crate) fn around((x, y): Point, half: f64) -> Self {
        Self(x - half, y - half, x + half, y + half)
    }
}

/// A name with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    /// Which of the marks.
    pub(crate) index: usize,
    /// Where the text begins, at its base line.
    pub(crate) at: Point,
    /// From the mark to the text, where that is far.
    pub(crate) leader: Option<(Point, Point)>,
}

/// Places for the names of marks, within an area and apart from each other, from the marks and from what is `taken`. Marks
/// that stand alone choose first; those that find none go without. With many marks only places close by are tried.
pub(crate) fn placed(marks: &[(Point, String)], taken: &[Block], area: &Block) -> Vec<Label> {
    const MANY: usize = 16;
    let distances = if marks.len() > MANY { &DISTANCES[..1] } else { &DISTANCES[..] };
    let mut blocks: Vec<Block> = taken.to_vec();
    blocks.extend(marks.iter().map(|(at, _)| Block::around(*at, MARK)));
    let nearest = |i: usize| {
        let ((x, y), _) = marks[i];
        let others = marks.iter().enumerate().filter(|(j, _)| *j != i);
        others.map(|(_, ((a, b), _))| (x - a).abs().max((y - b).abs())).fold(f64::INFINITY, f64::min)
    };
    let mut order: Vec<(f64, usize)> = (0..marks.len()).map(|i| (nearest(i), i)).collect();
    order.sort_by(|(a, i), (b, j)| b.total_cmp(a).then(i.cmp(j)));
    let mut labels = Vec::new();
    for (_, index) in order {
        let (mark, text) = &marks[index];
        let width = text.chars().count() as f64 * LETTER;
        let found = distances
            .iter()
            .flat_map(|distance| around(*mark, *distance, width))
            .find(|(block, _)| block.is_within(area) && !blocks.iter().any(|other| block.meets(other)));
        if let Some((block, end)) = found {
            blocks.push(block);
            let far = (end.0 - mark.0).hypot(end.1 - mark.1) > LEADER;
            labels.push(Label { index, at: (block.0, block.3 - 3.0), leader: far.then_some((*mark, end)) });
        }
    }
    labels
}

/// Places around a mark, with the end that a leader goes to: right, left, above, below, and between.
fn around((x, y): Point, distance: f64, width: f64) -> impl Iterator<Item = (Block, Point)> {
    const SLANT: f64 = 0.75;
    let directions = [
        (1.0, 0.0),
        (-1.0, 0.0),
        (SLANT, -SLANT),
        (-SLANT, -SLANT),
        (SLANT, SLANT),
        (-SLANT, SLANT),
        (0.0, -1.0),
        (0.0, 1.0),
    ];
    directions.into_iter().map(move |(dx, dy): (f64, f64)| {
        let end = (x + distance * dx, y + distance * dy);
        let left = match dx {
            0.0 => end.0 - width / 2.0,
            dx if dx < 0.0 => end.0 - width,
            _ => end.0,
        };
        let middle = if dx == 0.0 { end.1 + dy * HEIGHT / 2.0 } else { end.1 };
        (Block(left, middle - HEIGHT / 2.0, left + width, middle + HEIGHT / 2.0), end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_meet() {
        let marks: Vec<(Point, String)> = (0..12)
            .map(|i| ((150.0 + 9.0 * f64::from(i % 4), 100.0 + 9.0 * f64::from(i / 4)), format!("name {i}")))
            .collect();
        let area = Block(0.0, 0.0, 400.0, 250.0);
        let labels = placed(&marks, &[], &area);
        assert!(labels.len() >= 8, "{}", labels.len());
        let block = |label: &Label| {
            let width = marks[label.index].1.len() as f64 * LETTER;
            Block(label.at.0, label.at.1 - 10.0, label.at.0 + width, label.at.1 + 3.0)
        };
        for (i, label) in labels.iter().enumerate() {
            assert!(block(label).is_within(&area));
            assert!(labels[..i].iter().all(|other| !block(label).meets(&block(other))));
        }
        let alone = placed(&marks[..1], &[], &area);
        assert_eq!(alone[0].at.0, 160.0);
        assert!(placed(&marks, &[area], &area).is_empty());
    }
}
