package codec_test

import (
	"fmt"

	"cakupan/domain/event"
	"cakupan/eventstore/codec"
)

// The texts of a decoded event lie in the bytes it was decoded from.
func ExampleDecode() {
	stored := codec.Append(nil, &event.Event{
		Type: event.EnrolmentReinstated,
		Key:  event.Key{Source: "urn:example:office", ID: "row-1"},
		Data: event.Data{
			Has:       event.FieldSet(0).With(event.FieldEnrolment).With(event.FieldFrom),
			Enrolment: "pu-9", From: 18_000,
		},
	})
	var e event.Event
	_, err := codec.Decode(stored, &e)
	fmt.Println(e.Type.Name(), e.Source, e.ID, e.Data.Enrolment, e.Data.From, err)
	_, err = codec.Decode(stored[:len(stored)-1], &e)
	fmt.Println(err != nil)
	// Output:
	// id.cakupan.enrolment.reinstated.v1 urn:example:office row-1 pu-9 2019-04-14 <nil>
	// true
}
