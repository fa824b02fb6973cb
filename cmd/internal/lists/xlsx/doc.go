// Package xlsx reads the sheets of Excel workbooks row by row, from top to bottom, without holding
// more of them than their shared texts, and writes plain ones.
//
// It scans the bytes of the XML instead of building its tree, and believes nothing that a file
// says of itself: sizes, numbers of rows and columns, lengths of texts and how far a part may
// inflate are bounded. What it cannot read gives a [grid.Error], one sentence for the file's owner.
package xlsx
