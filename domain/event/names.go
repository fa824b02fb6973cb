package event

import "strconv"

// The names of the code lists by number, as the contract writes them. They are never written.
var (
	segments   = [...]string{PU: "PU", BPU: "BPU", JAKON: "JAKON", PMI: "PMI"}
	categories = [...]string{
		ASN: "ASN", NonASN: "NON_ASN", VillageOfficial: "VILLAGE_OFFICIAL", Private: "PRIVATE",
		SelfEmployed: "SELF_EMPLOYED", Vulnerable: "VULNERABLE", OtherCategory: "OTHER",
	}
	programmeNames = [...]string{JKK: "JKK", JKM: "JKM", JHT: "JHT", JP: "JP", JKP: "JKP"}
	payers         = [...]string{Employer: "EMPLOYER", Self: "SELF", APBD: "APBD"}
	fundings       = [...]string{
		UnknownFunding: "UNKNOWN", FundingAPBD: "APBD", FundingAPBDP: "APBD_P",
		FundingAPBDes: "APBDES", FundingDBHSawit: "DBH_SAWIT", FundingDBHCHT: "DBH_CHT",
		FundingPokir: "POKIR", FundingOther: "OTHER",
	}
	reasons = [...]string{
		Retirement: "RETIREMENT", Resignation: "RESIGNATION", Layoff: "LAYOFF",
		ContractEnd: "CONTRACT_END", Arrears: "ARREARS", Moved: "MOVED", BecameASN: "BECAME_ASN",
		Emigrated: "EMIGRATED", Disability: "DISABILITY", ProjectEnd: "PROJECT_END",
		ErrorReason: "ERROR", OtherReason: "OTHER",
	}
	sectors    = [...]string{AllSectors: "ALL", Formal: "FORMAL", Informal: "INFORMAL"}
	indicators = [...]string{
		LabourForce: "LABOUR_FORCE", Employed: "EMPLOYED", Eligible: "ELIGIBLE",
	}
)

// String returns the contract's name, "PU".
func (s Segment) String() string { return name(segments[:], s) }

// String returns the contract's name, "SELF_EMPLOYED".
func (c Category) String() string { return name(categories[:], c) }

// String returns the contract's name, "JKK".
func (p Programme) String() string { return name(programmeNames[:], p) }

// String returns the contract's name, "EMPLOYER".
func (p Payer) String() string { return name(payers[:], p) }

// String returns the contract's name, "APBD_P"; "UNKNOWN" for [UnknownFunding].
func (f Funding) String() string { return name(fundings[:], f) }

// String returns the contract's name, "CONTRACT_END".
func (r Reason) String() string { return name(reasons[:], r) }

// String returns the contract's name, "ALL".
func (s Sector) String() string { return name(sectors[:], s) }

// String returns the contract's name, "LABOUR_FORCE".
func (i Indicator) String() string { return name(indicators[:], i) }

// ParseSegment reads a name of the list, exactly as written there.
func ParseSegment(text string) (Segment, bool) { return number[Segment](segments[:], text) }

// ParseCategory reads a name of the list, exactly as written there.
func ParseCategory(text string) (Category, bool) { return number[Category](categories[:], text) }

// ParseProgramme reads a name of the list, exactly as written there.
func ParseProgramme(text string) (Programme, bool) {
	return number[Programme](programmeNames[:], text)
}

// ParsePayer reads a name of the list, exactly as written there.
func ParsePayer(text string) (Payer, bool) { return number[Payer](payers[:], text) }

// ParseFunding reads a name of the list, exactly as written there. "UNKNOWN" is not one:
// nobody reports it.
func ParseFunding(text string) (Funding, bool) { return number[Funding](fundings[:], text) }

// ParseReason reads a name of the list, exactly as written there.
func ParseReason(text string) (Reason, bool) { return number[Reason](reasons[:], text) }

// ParseSector reads a name of the list, exactly as written there.
func ParseSector(text string) (Sector, bool) { return number[Sector](sectors[:], text) }

// ParseIndicator reads a name of the list, exactly as written there.
func ParseIndicator(text string) (Indicator, bool) { return number[Indicator](indicators[:], text) }

// name returns the name of a number, and the number itself for one beyond the list. So a log or a
// file of a newer ledger can still be shown.
func name[N ~uint8](names []string, n N) string {
	if int(n) >= len(names) || names[n] == "" {
		return strconv.Itoa(int(n))
	}
	return names[n]
}

// number returns the number, from 1, of a name. Number 0 is left out: it is no code, or one that
// nobody may report. The lists are short: a search through them costs less than a map.
func number[N ~uint8](names []string, text string) (N, bool) {
	for n := 1; n < len(names); n++ {
		if names[n] == text {
			return N(n), true
		}
	}
	return 0, false
}
