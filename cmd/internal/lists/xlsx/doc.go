// Package xlsx reads the sheets of Excel workbooks row by row, from top to bottom, without holding
// more of them than their shared texts, and writes plain ones.
//
// It scans the bytes of the XML instead of building its tree, and believes nothing that a file
// says of itself: sizes, numbers of rows and columns, lengths of texts and how far a part may
// inflate are bounded. What it cannot read gives a [grid.Error], one sentence for the file's owner.
//
// Three things are done with a workbook: its rows are read ([Book.Rows]), it is copied with words
// beside the rows that are to be corrected ([Book.Copy]), and a new one of one sheet is written
// ([Writer]). What a row means is not known here: that is package lists. Formulas are not computed;
// a cell has the value that was stored when the file was saved, or says that there is none.
package xlsx
