package dashboard

import (
	"bytes"
	"strings"
	"testing"
)

const (
	goodStory = `[{"region":"75","on":"2020-12-31","known":"2021-01-04","id":"satu","en":"one"}]`
	goodMap   = `{"type":"FeatureCollection","name":"x","features":[` +
		`{"type":"Feature","id":7,"properties":{"code":"75","secret":"s"},"geometry":` +
		`{"type":"Polygon","coordinates":[[[121,0],[123,0],[123,1],[121,0]]]}},` +
		`{"type":"Feature","properties":{"code":"75.03"},"geometry":` +
		`{"type":"MultiPolygon","coordinates":[[[[121,0],[123,0],[123,1],[121,0]]]]}}]}`
)

func TestReadStory(t *testing.T) {
	story, err := ReadStory([]byte(goodStory))
	if err != nil || len(story) != 1 || story[0].English != "one" {
		t.Fatal(story, err)
	}
	for name, c := range map[string]struct{ from, to, says string }{
		"no array":     {"[{", "{", "JSON array"},
		"empty":        {goodStory, "[]", "1 to 200 marks"},
		"twice":        {"]", "][]", "follows the end"},
		"unknown":      {`"known"`, `"knwon"`, "knwon"},
		"no region":    {`"75"`, `"7503"`, "mark 1: region: "},
		"no day":       {"2020-12-31", "2020-13-31", "mark 1: on: "},
		"no knowledge": {"2021-01-04", "yesterday", "mark 1: known: "},
		"no words":     {"satu", "", "mark 1: id: "},
		"a NIK":        {"one", "7503014107909999", "mark 1: en: holds a NIK"},
	} {
		_, err := ReadStory([]byte(strings.Replace(goodStory, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadBoundaries(t *testing.T) {
	content, err := ReadBoundaries([]byte(goodMap))
	if err != nil || !bytes.Contains(content, []byte("75.03")) ||
		bytes.Contains(content, []byte("secret")) {
		t.Fatalf("%s %v", content, err)
	}
	if again, err := ReadBoundaries(content); err != nil || !bytes.Equal(again, content) {
		t.Fatalf("what is served is no map: %v", err)
	}
	for name, c := range map[string]struct{ from, to, says string }{
		"no JSON":      {"{", "", "not GeoJSON"},
		"a geometry":   {"FeatureCollection", "Polygon", "FeatureCollection"},
		"no code":      {`"code":"75",`, "", "feature 1: properties.code"},
		"no region":    {`"75.03"`, `"7503"`, "feature 2: properties.code"},
		"the nation":   {`"75"`, `"ID"`, "feature 1: properties.code"},
		"twice":        {`"75.03"`, `"75"`, "feature 2: region 75 has a feature already, 1"},
		"a line":       {`"Polygon"`, `"LineString"`, "feature 1: geometry.type"},
		"other depth":  {`"MultiPolygon"`, `"Polygon"`, "feature 2: geometry.coordinates"},
		"metres":       {"[121,0]", "[500000,9900000]", "no longitude and latitude"},
		"an open ring": {"[123,0],[123,1],", "", "feature 1: geometry.coordinates: a ring has 2"},
		"no ring":      {"[[121,0],[123,0],[123,1],[121,0]]", "", "a polygon has no ring"},
	} {
		_, err := ReadBoundaries([]byte(strings.Replace(goodMap, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Neither reader falls over anything.
func FuzzOwn(f *testing.F) {
	f.Add([]byte(goodStory))
	f.Add([]byte(goodMap))
	f.Fuzz(func(t *testing.T, content []byte) {
		if story, err := ReadStory(content); err == nil && len(story) == 0 {
			t.Error("an empty story")
		}
		own, err := ReadBoundaries(content)
		if err != nil {
			return
		}
		if _, err := ReadBoundaries(own); err != nil {
			t.Errorf("what is served is refused: %v", err)
		}
	})
}
