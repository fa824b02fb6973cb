package answers

import (
	"encoding/json"
	"strings"
	"testing"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/projections/coverage"
)

// two answers as the route has them: one that has all there is, one that has next to nothing.
const twoAnswers = `[
{"region":"75","name":"Gorontalo","on":"2020-12-31","known":{"sequence":1234,
"recordedAt":"2021-01-04T07:50:00.000000000Z"},"covered":1234,"confirmed":1000,"inGrace":12,
"enrolments":1300,"workforce":{"count":5000,"indicator":"EMPLOYED","reference":"2020-08"},
"percent":"24.68","target":{"percent":"40.00","region":"ID","met":false,"shortfall":766},
"sectors":{"formal":{"covered":1000},"informal":{"covered":234}},
"by":{"segment":{"PU":1000,"BPU":300},"funding":{"APBD":5}}},
{"region":"75.03","name":"=Bone Bolango","on":"2020-12-31","known":{"sequence":1234,
"recordedAt":"2021-01-04T07:50:00.000000000Z"},"covered":0,"confirmed":0,"inGrace":0,
"enrolments":0,"workforce":null,"percent":null,"target":null,
"sectors":{"formal":{"covered":0},"informal":{"covered":0}},"by":{"segment":{}}}]`

func answersOf(t *testing.T, text string) (all []coverage.Answer) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCoverageTable: what nobody knows is a dash and never 0; numbers are as the language has them.
func TestCoverageTable(t *testing.T) {
	all := answersOf(t, twoAnswers)
	for language, want := range map[lists.Language][]string{
		lists.English: {
			"Coverage on 2020-12-31, as known at event 1,234, recorded 2021-01-04 15:50:00 WITA\n\n",
			"75     Gorontalo        1,234      1,000      5,000  24.68 %  40.00 %  ✗       766        12",
			"75.03  =Bone Bolango        0          0          –        –        –            –         0",
			"75 Gorontalo\n  by segment    BPU 300, PU 1,000\n  by funding    APBD 5\n",
			"75.03 =Bone Bolango\n  by segment    \n",
		},
		lists.Indonesian: {
			"Cakupan pada 2020-12-31, sebagaimana diketahui pada peristiwa 1.234, dicatat",
			"1.234", "24,68 %", "40,00 %", "menurut segment    BPU 300, PU 1.000\n",
		},
	} {
		var text strings.Builder
		if err := CoverageTable(&text, all, "", language); err != nil {
			t.Fatal(err)
		}
		for _, part := range want {
			if !strings.Contains(text.String(), part) {
				t.Errorf("%q is not in\n%s", part, &text)
			}
		}
		if strings.Contains(text.String(), "Informal") {
			t.Errorf("columns of dashes:\n%s", &text)
		}
	}
	var text strings.Builder
	if err := CoverageTable(&text, all, "enrolments", lists.English); err != nil ||
		!strings.Contains(text.String(), "enrolments by segment") {
		t.Errorf("%v: %s", err, &text)
	}
	text.Reset()
	if err := CoverageTable(&text, nil, "", lists.English); err != nil || text.Len() > 0 {
		t.Errorf("without answers: %v, %q", err, &text)
	}
}

// TestCoverageCSV: every row has the same columns; null is an empty cell, a value that does not
// occur is 0, a dimension that was not divided by is empty, and nothing is a formula.
func TestCoverageCSV(t *testing.T) {
	var text strings.Builder
	if err := CoverageCSV(&text, answersOf(t, twoAnswers)); err != nil {
		t.Fatal(err)
	}
	want := "region,name,on,known_sequence,known_recorded_at,covered,confirmed,in_grace,enrolments," +
		"workforce,indicator,reference,percent,target,target_region,met,shortfall,formal_covered," +
		"informal_covered,funding:APBD,segment:BPU,segment:PU\n" +
		"75,Gorontalo,2020-12-31,1234,2021-01-04T07:50:00.000000000Z,1234,1000,12,1300,5000," +
		"EMPLOYED,2020-08,24.68,40.00,ID,false,766,1000,234,5,300,1000\n" +
		"75.03,'=Bone Bolango,2020-12-31,1234,2021-01-04T07:50:00.000000000Z,0,0,0,0,,,,,,,,,0,0," +
		",0,0\n"
	if text.String() != want {
		t.Errorf("%s, want\n%s", &text, want)
	}
}

// TestWholes: one count that is hidden refuses all of the answer; without one nothing is lost.
func TestWholes(t *testing.T) {
	shown := []ShownAnswer{{Answer: coverage.Answer{Region: "75"}}, {Answer: coverage.Answer{Region: "76"}}}
	if all, err := Wholes[coverage.Answer](shown); err != nil || len(all) != 2 || all[1].Region != "76" {
		t.Errorf("%+v, %v", all, err)
	}
	points := []ShownPoint{{}, {Suppressed: true}}
	if all, err := Wholes[coverage.Point](points); problem.From(err).Code != problem.Forbidden || all != nil {
		t.Errorf("%+v, %v", all, err)
	}
}
