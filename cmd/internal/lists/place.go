package lists

import (
	"math"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

// places maps names of regions, made plain, to those that are called so. It is never written. It is
// made once of the register: of each region its name, and what people make of that. A name that
// several regions have keeps all of them, in order of the register.
var places = func() map[string][]region.Code {
	all := map[string][]region.Code{}
	add := func(name string, code region.Code) {
		key := plain(name)
		for _, before := range all[key] {
			if before == code {
				return
			}
		}
		all[key] = append(all[key], code)
	}
	for _, code := range region.All() {
		name := code.Name()
		add(name, code)
		short := name
		switch code.Level() {
		case region.RegencyLevel:
			kind, rest, _ := strings.Cut(name, " ")
			short = strings.TrimPrefix(rest, "Administrasi ")
			if kind == "Kabupaten" {
				add("Kab "+short, code)
				add("Kabupaten "+short, code)
				add(short+" Regency", code)
			} else {
				add("Kota "+short, code)
				add("Kota Adm "+short, code)
				add(short+" City", code)
			}
		case region.ProvinceLevel:
			for _, prefix := range []string{"Daerah Istimewa ", "Daerah Khusus Ibukota "} {
				short = strings.TrimPrefix(short, prefix)
			}
			add("Provinsi "+short, code)
		case region.NationLevel:
		}
		add(short, code)
	}
	return all
}()

// codeLength is in bytes, which are digits and a dot.
const codeLength = len("75.03") // of a regency

// parseRegion reads a regency or city: its code, its name, or both. A name that a regency shares
// with a city, or with its province, is refused with the choices: contract, section 1, never
// guesses a region. A province or the nation is refused: a domicile is a regency or city.
func parseRegion(cell grid.Cell) value {
	text := string(trim(cell.Text))
	if cell.Kind == grid.Number {
		return regionNumber(text)
	}
	if cell.Kind != grid.Text {
		return regionFault("")
	}
	text = unformula(text)
	// Templates offer code and name together.
	if len(text) > codeLength {
		if code, ok := region.Parse(text[:codeLength]); ok {
			return codeAndName(code, text[codeLength:])
		}
	}
	if code, ok := region.Parse(text); ok {
		return regencyOnly(code)
	}
	if strings.ContainsAny(text[:min(1, len(text))], "0123456789") {
		// A code may have spaces in it that nobody sees, or sees and means nothing by.
		if code, ok := region.Parse(oneSpelling(text)); ok {
			return regencyOnly(code)
		}
	}
	// What stands behind the name is looked at only when the text is no code.
	text = withoutProvince(kindLast(text))
	found := places[plain(text)]
	switch len(found) {
	case 0:
		return regionFault(text)
	case 1:
		return regencyOnly(found[0])
	}
	var labels []string
	for _, code := range found {
		if code.Level() == region.RegencyLevel { // a province is not what is asked for
			labels = append(labels, regionLabel(code))
		}
	}
	// It is one regency, whose name without its kind is that of a province. A code in another
	// column may say which.
	if len(labels) == 1 {
		v := invalid(event.RegionUnknown,
			"nama ini juga nama provinsi; bila maksudnya "+labels[0]+", tulis kodenya",
			"is the name of a province too; if "+labels[0]+" is meant, write the code")
		v.places = []string{`"` + labels[0][:codeLength] + `"`}
		return v
	}
	list := strings.Join(labels, ", ")
	v := invalid(event.RegionUnknown, "nama ini dapat berarti "+list+": tulis kodenya",
		"the name may mean "+list+": write the code")
	for _, code := range found {
		v.places = append(v.places, `"`+code.String()+`"`)
	}
	return v
}

// kindLast puts the kind of a region before its name where it stands behind: GORONTALO (KAB). Other
// texts stay as they are.
func kindLast(text string) string {
	name, kind, found := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	switch plain(kind) {
	case "kab", "kabupaten", "regency":
		return "Kabupaten " + name
	case "kota", "city", "kotamadya":
		return "Kota " + name
	}
	if !found {
		name, kind, _ = strings.Cut(text, ",")
		switch plain(kind) {
		case "kab", "kabupaten":
			return "Kabupaten " + name
		case "kota":
			return "Kota " + name
		}
	}
	return text
}

// withoutProvince takes the province off that is written behind the name of a region, if it is
// that region's: Kab. Bone Bolango, Prov. Gorontalo. A province that is not its own stays behind
// the name, which is then no region's.
func withoutProvince(text string) string {
	name, behind, found := strings.Cut(text, ",")
	key := strings.TrimPrefix(strings.TrimPrefix(plain(behind), "provinsi"), "prov")
	if !found || key == "" {
		return text
	}
	for _, code := range places[plain(name)] {
		for _, province := range places["provinsi"+key] {
			if code.Level() == region.RegencyLevel && code.Parent() == province {
				return name
			}
		}
	}
	return text
}

// formerCodes are codes that were in force until the provinces of Papua were divided in 2022, with
// those that are in force now. It is never written. A code is never read as the one in force now:
// only the clerk knows whether he means that regency.
var formerCodes = map[string]string{
	"91.01": "93.01", "91.02": "95.01", "91.04": "94.01", "91.07": "94.02", "91.08": "94.03",
	"91.09": "94.04", "91.12": "95.02", "91.13": "95.03", "91.14": "95.04", "91.16": "93.02",
	"91.17": "93.03", "91.18": "93.04", "91.21": "95.05", "91.22": "95.06", "91.23": "95.07",
	"91.24": "95.08", "91.25": "94.05", "91.26": "94.06", "91.27": "94.07", "91.28": "94.08",
	"92.01": "96.01", "92.04": "96.02", "92.05": "96.03", "92.09": "96.04", "92.10": "96.05",
	"92.71": "96.71",
}

// meantBy says which region may be meant by a text that is none, and why it is none. id and en say
// why. code says nothing unless found is true. Nothing of it is taken over: it is a question in a
// refusal.
func meantBy(text string) (code region.Code, id, en string, found bool) {
	if now, ok := formerCodes[text]; ok {
		code, _ = region.Parse(now)
		return code, "kode " + text + " berlaku sampai 2022, sekarang " + now,
			"the code " + text + " was in force until 2022, now it is " + now, true
	}
	if code, ok := region.Parse(strings.ReplaceAll(text, ",", ".")); ok {
		return code, "tulis kodenya dengan titik", "write the code with a dot", true
	}
	key := plain(text)
	for name, codes := range places {
		if len(key) < 5 || len(codes) != 1 || codes[0].Level() != region.RegencyLevel {
			continue
		}
		if distance(key, name, 1) <= 1 {
			if found && code != codes[0] {
				// The order of the map cannot show: two that are near are found in any order.
				return code, "", "", false // two are as near
			}
			code, found = codes[0], true
		}
	}
	return code, "namanya ditulis " + code.Name(), "the name is written " + code.Name(), found
}

// codeAndName checks that the name behind a code is that of the region. They are two sources for
// one fact: where they disagree, a row was filled in from the wrong line. name is what follows the
// code in the cell.
func codeAndName(code region.Code, name string) value {
	if key := plain(name); key != "" {
		matches := false
		for _, found := range places[key] {
			matches = matches || found == code
		}
		if !matches {
			// The code goes on.
			if name[0] == '.' {
				return invalid(event.RegionUnknown,
					"kode desa atau kecamatan: tulis kode kabupaten atau kota saja, misalnya "+
						code.String(),
					"is the code of a village or district: write the code of the regency or city"+
						" alone, such as "+code.String())
			}
			return invalid(event.RegionUnknown, "kode dan nama berbeda: "+regionLabel(code),
				"code and name differ: "+regionLabel(code))
		}
	}
	return regencyOnly(code)
}

// regionNumber reads a code that a spreadsheet took for a number. One that may have lost a zero is
// refused. A code has its dot where a number has its point, so 75.03 is nearly always a number to a
// spreadsheet.
func regionNumber(text string) value {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 || n > 9999 {
		return regionFault("")
	}
	hundredths := math.Round(n * 100)
	// Numbers of double precision are off by far less than that.
	if math.Abs(n*100-hundredths) > 1e-6 {
		return regionFault("")
	}
	whole, part := int(hundredths)/100, int(hundredths)%100
	if part == 0 {
		return regionFault(strconv.Itoa(whole))
	}
	// 75.10 and 75.1 are one number: which was meant, nobody knows any more.
	if part%10 == 0 {
		return regionFault(strconv.Itoa(whole) + "." + strconv.Itoa(part/10))
	}
	code := strconv.Itoa(whole) + "." + strconv.Itoa(100 + part)[1:]
	if parsed, ok := region.Parse(code); ok {
		return regencyOnly(parsed)
	}
	return regionFault(code)
}

// regencyOnly takes a regency or city alone: it is a domicile.
func regencyOnly(code region.Code) value {
	if code.Level() != region.RegencyLevel {
		return invalid(event.RegionUnknown,
			"harus kabupaten atau kota seperti 75.03; "+regionLabel(code)+" bukan",
			"must be a regency or city such as 75.03, which "+regionLabel(code)+" is not")
	}
	return value{json: `"` + code.String() + `"`}
}

// regionLabel names a region for people. It is read back as code and name: see codeAndName.
func regionLabel(code region.Code) string { return code.String() + " " + code.Name() }

// bps says what BPS means by a code, as far as the explanation of the register does. It reads the
// English sentence of region.Explain, so that the register of BPS codes has one home. digits are
// four. BPS and Kemendagri use the same digits for different regencies, which is why a code without
// its dot is refused: contract, section 1.
func bps(digits, explained string) string {
	_, name, found := strings.Cut(explained, "BPS uses "+digits+" for ")
	switch {
	case !found:
		return "kode BPS " + digits + " dapat berarti wilayah lain"
	case strings.HasPrefix(name, "it too"):
		return "kode BPS-nya kebetulan sama, tetapi kode tetangganya tidak"
	}
	return "kode BPS " + digits + " adalah " + name
}

// regionFault says why a text is no region, and what may have been meant.
func regionFault(text string) value {
	if code, id, en, found := meantBy(text); found {
		v := invalid(event.RegionUnknown, "Apakah maksudnya "+regionLabel(code)+"? ("+id+")",
			"did you mean "+regionLabel(code)+"? ("+en+")")
		v.coded = true
		return v
	}
	en := region.Explain(text)
	id := "tulis kode Kemendagri kabupaten atau kota dengan titik, misalnya 75.03, sebagai Teks," +
		" atau namanya"
	if allDigits(text, 4) && len(text) == 4 {
		if code, ok := region.Parse(text[:2] + "." + text[2:]); ok {
			id = "Apakah maksudnya " + regionLabel(code) +
				"? Tulis kode Kemendagri dengan titik (" + bps(text, en) + ")"
		}
	} else if len(text) == codeLength && allDigits(text[:2]+text[3:], 4) {
		id = "tidak ada kabupaten atau kota dengan kode " + text + ": tulis kode Kemendagri yang" +
			" berlaku, atau namanya"
	} else if len(text) == len("75.3") && strings.Contains(text, ".") {
		id = "kode yang menjadi angka kehilangan nol: format kolom sebagai Teks dan tulis lagi"
	}
	v := invalid(event.RegionUnknown, id, en)
	v.coded = strings.ContainsAny(text, "0123456789")
	return v
}
