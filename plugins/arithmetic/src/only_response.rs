//! A single valid response, read symbol by symbol.

use pstar_core::author::Recognizer;

/// Accepts one response, or none at all. A state is how many of its bytes have been read, so that its states form a
/// chain.
pub(crate) struct OnlyResponse(pub(crate) Option<String>);

impl Recognizer for OnlyResponse {
    type State = usize;

    fn start(&self) -> Option<usize> {
        self.0.as_ref().map(|_| 0)
    }

    fn next(&self, &read: &usize, symbol: &str) -> Option<usize> {
        self.0.as_ref()?.get(read..)?.starts_with(symbol).then(|| read + symbol.len())
    }

    fn accepts(&self, &read: &usize) -> bool {
        self.0.as_ref().is_some_and(|response| response.len() == read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(response: &str, symbols: &[&str]) -> Option<usize> {
        let reader = OnlyResponse(Some(response.into()));
        symbols.iter().try_fold(reader.start()?, |state, symbol| reader.next(&state, symbol))
    }

    #[test]
    fn symbols_of_any_length_lead_along_the_chain() {
        assert_eq!(read("4200", &["4", "2", "0"]), Some(3));
        assert_eq!(read("4200", &["42", "", "0"]), Some(3));
        for wrong in [&["5"][..], &["4", "0"], &["4200", "0"], &["42000"], &["é"], &["4", "２"]] {
            assert_eq!(read("4200", wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn it_may_end_behind_the_last_character_only() {
        let reader = OnlyResponse(Some("42".into()));
        assert_eq!([0, 1, 2].map(|state| reader.accepts(&state)), [false, false, true]);
        // One symbol may spell all that is missing.
        assert_eq!([0, 1, 2].map(|state| reader.can_accept_within(&state, 0)), [false, false, true]);
        assert!([0, 1, 2].iter().all(|state| reader.can_accept_within(state, 1)));
    }

    #[test]
    fn no_response_has_no_start() {
        assert_eq!(OnlyResponse(None).start(), None);
    }
}
