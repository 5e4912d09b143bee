//! The arithmetic of intervals: sorted lists of windows that neither touch nor overlap.

use super::Window;

/// What is left of merged windows outside other merged windows.
pub(super) fn subtract(windows: &[Window], holes: &[Window]) -> Vec<Window> {
    let mut left = Vec::with_capacity(windows.len());
    for window in windows {
        let mut rest = *window;
        let first = holes.partition_point(|hole| hole.closes <= rest.opens);
        for hole in holes[first..].iter().take_while(|hole| hole.opens < window.closes) {
            if rest.opens < hole.opens {
                left.push(Window { opens: rest.opens, closes: hole.opens });
            }
            rest.opens = hole.closes;
        }
        if rest.opens < rest.closes {
            left.push(rest);
        }
    }
    left
}

/// The parts of windows within bounds.
pub(super) fn clip(windows: Vec<Window>, bounds: Window) -> Vec<Window> {
    let cut = |window: Window| Window {
        opens: window.opens.max(bounds.opens),
        closes: window.closes.min(bounds.closes),
    };
    windows.into_iter().map(cut).filter(|window| window.opens < window.closes).collect()
}
