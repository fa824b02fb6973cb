package lists

import (
	"regexp"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
)

// What a payment is written as. An amount is of whole rupiah, so what stands behind a separator
// and has three digits is a thousand, and what has two is a fraction, of zeros alone.
var (
	// The forms exclude each other in what they mean: none reads a text as another number than the
	// next.
	amountPlain  = regexp.MustCompile(`^([0-9]+)(?:[.,]0{1,2}|,-)?$`)
	amountDots   = regexp.MustCompile(`^([0-9]{1,3}(?:\.[0-9]{3})+)(?:,0{1,2}|,-)?$`)
	amountCommas = regexp.MustCompile(`^([0-9]{1,3}(?:,[0-9]{3})+)(?:\.0{1,2})?$`)
)

// parseAmount reads an amount of rupiah. Both ways of writing thousands are read, because a point
// and a comma cannot be taken for each other in whole rupiah; a fraction that is not zero is
// refused. The bound is that of the contract, section 1: 0 to 2^53 - 1. A negative amount is none.
func parseAmount(cell grid.Cell) value {
	fault := invalid(event.FieldInvalid,
		"harus jumlah rupiah yang bulat, misalnya 50400 atau Rp 50.400",
		"must be an amount of whole rupiah, such as 50400 or Rp 50,400")
	if cell.Kind != grid.Text && cell.Kind != grid.Number {
		return fault
	}
	text := strings.Join(strings.FieldsFunc(string(trim(cell.Text)), invisible), "")
	for _, currency := range []string{"Rp.", "Rp", "IDR"} {
		if len(text) > len(currency) && strings.EqualFold(text[:len(currency)], currency) {
			text = text[len(currency):]
			break
		}
	}
	for _, form := range []*regexp.Regexp{amountPlain, amountDots, amountCommas} {
		found := form.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		digits := strings.NewReplacer(".", "", ",", "").Replace(found[1])
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > event.IntegerMax {
			return fault
		}
		return value{json: strconv.FormatInt(n, 10)}
	}
	return fault
}

// parseReference reads the number of a payment: any text. It stays in the log, so it is searched
// for a NIK, which banks and clerks like to put there. Dates and truth values are refused in the
// words for numbers that a spreadsheet has changed.
func parseReference(cell grid.Cell) value {
	text := strings.Join(strings.FieldsFunc(unformula(string(trim(cell.Text))), invisible), " ")
	if cell.Kind == grid.Number {
		text = strings.TrimSuffix(text, ".0")
	}
	switch {
	case cell.Kind == grid.Date || cell.Kind == grid.Bool:
		return parseID(fieldReference, cell)
	case cell.Kind == grid.Number && !allDigits(text, roundedDigits), isScientific(text):
		return droppedDigits(event.FieldInvalid)
	case event.HasNIK(text):
		return misplacedNIK()
	}
	return value{json: string(appendJSON(nil, text))}
}
