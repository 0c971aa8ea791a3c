//! From byte offsets to lines and columns.

/// The line starts of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex<'s> {
    source: &'s str,
    starts: Vec<u32>,
}

impl<'s> LineIndex<'s> {
    /// Finds the lines of `source`.
    pub fn new(source: &'s str) -> Self {
        let newlines = source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(newlines.map(|(at, _)| at as u32 + 1)).collect();
        LineIndex { source, starts }
    }

    /// The line and the column of a byte offset, both from 1; the column counts characters.
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).map_or(0, |start| *start as usize);
        let end = self.source.floor_char_boundary(offset as usize).max(start);
        let column = self.source.get(start..end).map_or(0, |text| text.chars().count());
        (line as u32, column as u32 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_characters_from_one() {
        let index = LineIndex::new("a\nbé c\n");
        assert_eq!(index.line_column(0), (1, 1));
        assert_eq!(index.line_column(1), (1, 2));
        assert_eq!(index.line_column(2), (2, 1));
        assert_eq!(index.line_column(6), (2, 4), "é is one character of two bytes");
        assert_eq!(index.line_column(8), (3, 1));
        assert_eq!(index.line_column(999), (3, 1), "past the end is the end");
        assert_eq!(LineIndex::new("").line_column(0), (1, 1));
    }
}
