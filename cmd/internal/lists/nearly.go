package lists

// nearly returns the name of a column that nobody knows and that may be meant as one that the list
// lacks: its name is nearly that of a field, and its values can be the field's. A longer name may
// differ in two letters, a short one in one, and one of less than four in none: at that length any
// word is near to any other. It returns "" when there is none. It only suggests. A column is never
// taken for what its name nearly says.
func (l *List) nearly(lacking []field) (name string, meant field) {
	date1904 := l.since1904()
	for i, f := range l.header.fields {
		key := plain(l.header.names[i])
		if f != noField || len(key) < 4 {
			continue
		}
		for _, want := range lacking {
			if isNear(key, want) && l.survey.fits(i, want, date1904) {
				return l.header.names[i], want
			}
		}
	}
	return "", noField
}

// isNear tells whether a name is nearly one of a field. Whichever of its names it is, the answer is
// the same: the order of the map does not show. key is plain, as are the names that it is compared
// with.
func isNear(key string, f field) bool {
	most := 1
	if len(key) >= 8 {
		most = 2
	}
	for known, m := range meanings {
		if m.field != f || len(known) < 4 {
			continue
		}
		if len(known) < 8 && distance(key, known, 1) <= 1 ||
			len(known) >= 8 && distance(key, known, most) <= most {
			return true
		}
	}
	return false
}
