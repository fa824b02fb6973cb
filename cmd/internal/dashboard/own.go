package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

const (
	// marksMax bounds a story: nobody reads more.
	marksMax = 200
	// wordsMax bounds a sentence of it, in bytes.
	wordsMax = 1_000
)

// ReadStory reads an operator's own story: a JSON array of marks. The error says which one is
// wrong, and how.
func ReadStory(content []byte) ([]Mark, error) {
	var story []Mark
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&story); err != nil {
		return nil, fmt.Errorf(`a story is a JSON array of {"region","on","known","id","en"}: %w`,
			err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end of the array")
	}
	if len(story) == 0 || len(story) > marksMax {
		return nil, fmt.Errorf("a story has 1 to %d marks, not %d", marksMax, len(story))
	}
	for i := range story {
		if err := story[i].check(); err != nil {
			return nil, fmt.Errorf("mark %d: %w", i+1, err)
		}
	}
	return story, nil
}

func (m *Mark) check() error {
	if _, ok := region.Parse(m.Region); !ok {
		return fmt.Errorf("region: %s", region.Explain(m.Region))
	}
	if _, err := temporal.ParseDate(m.On); err != nil {
		return fmt.Errorf("on: %w", err)
	}
	if m.Known != "" {
		if _, err := temporal.ParseDate(m.Known); err != nil {
			return fmt.Errorf("known: %w", err)
		}
	}
	for name, words := range map[string]string{"id": m.Indonesian, "en": m.English} {
		switch {
		case words == "" || len(words) > wordsMax:
			return fmt.Errorf("%s: a sentence of 1 to %d bytes is wanted", name, wordsMax)
		case event.MaskNIK(words) != words:
			return fmt.Errorf("%s: holds a NIK, which everybody would see", name)
		}
	}
	return nil
}

const (
	// BoundariesMax bounds a map, in bytes: a phone has to load it.
	BoundariesMax = 8 << 20
	ringMin       = 4 // places of a ring: the last one is the first one
)

// feature is a part of GeoJSON (RFC 7946) that is read.
type feature struct {
	Type       string `json:"type"`
	Properties struct {
		Code string `json:"code"`
	} `json:"properties"`
	Geometry struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

// polygon is its rings, of longitudes and latitudes.
type polygon [][][]float64

// ReadBoundaries checks an operator's own map: a FeatureCollection of GeoJSON whose features are
// areas and have the code of their region, as in "75.03", in the property code. What it returns is
// what the page draws of it, and nothing more. The error says which feature is wrong, and how.
func ReadBoundaries(content []byte) ([]byte, error) {
	if len(content) > BoundariesMax {
		return nil, fmt.Errorf("it has %d bytes, at most %d: simplify it", len(content),
			BoundariesMax)
	}
	var read struct {
		Type     string    `json:"type"`
		Features []feature `json:"features"`
	}
	if err := json.Unmarshal(content, &read); err != nil {
		return nil, fmt.Errorf("it is not GeoJSON: %w", err)
	}
	if read.Type != "FeatureCollection" || len(read.Features) == 0 {
		return nil, errors.New("a FeatureCollection of GeoJSON with features is wanted")
	}
	seen := map[string]int{}
	for i := range read.Features {
		f := &read.Features[i]
		if err := f.check(); err != nil {
			return nil, fmt.Errorf("feature %d: %w", i+1, err)
		}
		if before := seen[f.Properties.Code]; before > 0 {
			return nil, fmt.Errorf("feature %d: region %s has a feature already, %d: make one"+
				" MultiPolygon of them", i+1, f.Properties.Code, before)
		}
		seen[f.Properties.Code] = i + 1
	}
	return json.Marshal(&read)
}

func (f *feature) check() error {
	if code, ok := region.Parse(f.Properties.Code); !ok || code == region.Nation {
		if f.Properties.Code == "" {
			return errors.New("properties.code: the code of a province or a regency is wanted," +
				` such as "75" or "75.03"`)
		}
		return fmt.Errorf("properties.code: %s", region.Explain(f.Properties.Code))
	}
	var areas []polygon
	var err error
	switch f.Geometry.Type {
	case "Polygon":
		areas = make([]polygon, 1)
		err = json.Unmarshal(f.Geometry.Coordinates, &areas[0])
	case "MultiPolygon":
		err = json.Unmarshal(f.Geometry.Coordinates, &areas)
	default:
		return fmt.Errorf("geometry.type: Polygon or MultiPolygon is wanted, not %.20q",
			f.Geometry.Type)
	}
	if err != nil {
		return fmt.Errorf("geometry.coordinates: %w", err)
	}
	for _, area := range areas {
		if err := area.check(); err != nil {
			return fmt.Errorf("geometry.coordinates: %w", err)
		}
	}
	return nil
}

func (p polygon) check() error {
	if len(p) == 0 {
		return errors.New("a polygon has no ring")
	}
	for _, ring := range p {
		if len(ring) < ringMin {
			return fmt.Errorf("a ring has %d places, at least %d", len(ring), ringMin)
		}
		for _, at := range ring {
			if len(at) < 2 || at[0] < -180 || at[0] > 180 || at[1] < -90 || at[1] > 90 {
				return fmt.Errorf("%v is no longitude and latitude in degrees (WGS 84)", at)
			}
		}
	}
	return nil
}
