//! Colours and shapes of objectives: by their position in the file, the same everywhere.
//!
//! The colours are those of Okabe and Ito (2008), *Color Universal Design*, moved in lightness until each pair is apart:
//! the least CIE76 distances of a pair are 30, 20, 20, 19 on light and 35, 21, 21, 21 on dark paper, to normal, protan, deutan
//! and tritan eyes. Their contrast to the paper is at least 2.8 and 4.0. Texts are never in them.

/// On light paper.
pub(crate) const LIGHT: [&str; 8] =
    ["#AF3601", "#165FB5", "#06A3EF", "#004C3E", "#208D65", "#C08B18", "#D569AF", "#462578"];

/// On dark paper.
pub(crate) const DARK: [&str; 8] =
    ["#DE7426", "#2478D0", "#B4D3F5", "#17AD76", "#99F9DD", "#F3D04D", "#DB74AE", "#C5A3FF"];

/// The classes that set the colour.
const CLASSES: [&str; 8] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"];

/// The class of an objective's colour.
pub(crate) fn class(objective: usize) -> &'static str {
    CLASSES[objective % 8]
}

/// The letters that look like the shapes, in their order.
pub(crate) const LETTERS: [&str; 8] = ["●", "■", "▲", "◆", "▼", "✚", "▶\u{fe0e}", "◀\u{fe0e}"];

/// The class that puts the letter of an objective's shape in front.
pub(crate) fn letter_class(objective: usize) -> &'static str {
    const CLASSES: [&str; 8] = ["y0", "y1", "y2", "y3", "y4", "y5", "y6", "y7"];
    CLASSES[shape(objective) as usize]
}

/// How far shapes move on when colours begin anew: 64 pairs before one comes back.
const SHIFT: usize = 3;

/// The shape of an objective.
pub(crate) fn shape(objective: usize) -> Shape {
    SHAPES[(objective + SHIFT * (objective / 8)) % 8]
}

const SHAPES: [Shape; 8] = [
    Shape::Circle,
    Shape::Square,
    Shape::Up,
    Shape::Diamond,
    Shape::Down,
    Shape::Cross,
    Shape::Right,
    Shape::Left,
];

/// The shape of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Circle,
    Square,
    Up,
    Diamond,
    Down,
    Cross,
    Right,
    Left,
}

impl Shape {
    /// The rest of a path that begins at the mark's centre, in units of about half its size; all shapes have about the
    /// same area.
    pub(crate) fn outline(self) -> &'static [(f64, f64)] {
        const UP: &[(f64, f64)] = &[(0.0, -1.2), (1.15, 0.85), (-1.15, 0.85)];
        match self {
            // Drawn as an arc.
            Self::Circle => &[],
            Self::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Self::Up => UP,
            Self::Diamond => &[(0.0, -1.3), (1.2, 0.0), (0.0, 1.3), (-1.2, 0.0)],
            Self::Down => &[(0.0, 1.2), (-1.15, -0.85), (1.15, -0.85)],
            Self::Cross => &[
                (-0.4, -1.2),
                (0.4, -1.2),
                (0.4, -0.4),
                (1.2, -0.4),
                (1.2, 0.4),
                (0.4, 0.4),
                (0.4, 1.2),
                (-0.4, 1.2),
                (-0.4, 0.4),
                (-1.2, 0.4),
                (-1.2, -0.4),
                (-0.4, -0.4),
            ],
            Self::Right => &[(1.2, 0.0), (-0.85, 1.15), (-0.85, -1.15)],
            Self::Left => &[(-1.2, 0.0), (0.85, -1.15), (0.85, 1.15)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn pairs_of_colour_and_shape_repeat_after_64() {
        let pair = |i| (class(i), format!("{:?}", shape(i)));
        assert_eq!((0..64).map(pair).collect::<BTreeSet<_>>().len(), 64);
        assert_eq!(pair(64), pair(0));
        assert_eq!((class(9), shape(9)), ("c1", Shape::Down));
    }
}
