package coverage

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
)

// Dimension is one way to divide the covered workers.
type Dimension uint8

// The dimensions, in the order in which answers show them.
const (
	BySector Dimension = iota
	BySegment
	ByCategory
	ByProgramme
	ByFunding
	ByEvidence
)

var dimensionNames = [...]string{
	"sector", "segment", "category", "programme", "funding", "evidence",
}

// String returns the dimension's name in queries and answers.
func (d Dimension) String() string { return dimensionNames[d] }

// DimensionNames returns the names of all dimensions, in their order.
func DimensionNames() []string { return slices.Clone(dimensionNames[:]) }

// ParseDimension returns the dimension of that name.
func ParseDimension(name string) (Dimension, bool) {
	i := slices.Index(dimensionNames[:], name)
	return Dimension(max(i, 0)), i >= 0
}

// Cells are counts by value of a dimension; those of 0 are left out.
type Cells map[string]int64

// By holds the cells of the dimensions asked for; the others are nil and not printed.
type By struct {
	Sector    *Cells `json:"sector,omitempty"`
	Segment   *Cells `json:"segment,omitempty"`
	Category  *Cells `json:"category,omitempty"`
	Programme *Cells `json:"programme,omitempty"`
	Funding   *Cells `json:"funding,omitempty"`
	Evidence  *Cells `json:"evidence,omitempty"`
}

// Count says what the cells of an answer count. The zero value counts workers, as the contract does
// without being asked (section 3).
type Count uint8

// Workers are counted once in a cell, however many of their enrolments have its value.
const (
	Workers Count = iota
	Enrolments
)

var countNames = [...]string{"workers", "enrolments"}

// String returns the name of what is counted, in queries.
func (c Count) String() string { return countNames[c] }

// CountNames returns the names of what can be counted.
func CountNames() []string { return slices.Clone(countNames[:]) }

// ParseCount returns what is counted under that name.
func ParseCount(name string) (Count, bool) {
	i := slices.Index(countNames[:], name)
	return Count(max(i, 0)), i >= 0
}

// Only returns the cells of one dimension alone. The others are nil. They share the cells with b.
func (b *By) Only(d Dimension) *By {
	var only By
	switch d {
	case BySector:
		only.Sector = b.Sector
	case BySegment:
		only.Segment = b.Segment
	case ByCategory:
		only.Category = b.Category
	case ByProgramme:
		only.Programme = b.Programme
	case ByFunding:
		only.Funding = b.Funding
	case ByEvidence:
		only.Evidence = b.Evidence
	}
	return &only
}

// newBy makes the cells of the dimensions asked for. With payer APBD the funding is the sources of
// money, with others the payer itself (contract, section 3): both lists are one dimension.
func newBy(dimensions []Dimension, total *sums) *By {
	var by By
	for _, d := range dimensions {
		switch d {
		case BySector:
			by.Sector = cellsBy(total, sectorBase, event.Formal, event.Informal)
		case BySegment:
			by.Segment = cellsBy(total, segmentBase, event.PU, event.PMI)
		case ByCategory:
			by.Category = cellsBy(total, categoryBase, event.ASN, event.OtherCategory)
		case ByProgramme:
			by.Programme = cellsBy(total, programmeBase, event.JKK, event.JKP)
		case ByFunding:
			by.Funding = cellsBy(total, fundingBase, event.UnknownFunding, event.FundingOther)
			for name, count := range *cellsBy(total, payerBase, event.Employer, event.Self) {
				(*by.Funding)[name] = count
			}
		case ByEvidence:
			by.Evidence = &Cells{}
			for i, name := range enrolment.EvidenceNames() {
				if count := total[evidenceBase+i]; count != 0 {
					(*by.Evidence)[name] = count
				}
			}
		}
	}
	return &by
}

// cellsBy returns the counts of the codes from first to last, whose measures follow base.
func cellsBy[C interface {
	~uint8
	String() string
}](total *sums, base int, first, last C,
) *Cells {
	cells := Cells{}
	for code := first; code <= last; code++ {
		if count := total[base+int(code)]; count != 0 {
			cells[code.String()] = count
		}
	}
	return &cells
}
