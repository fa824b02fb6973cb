package eventstore_test

import (
	"context"
	"errors"
	"fmt"

	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/merkle"
)

// Events are stored in frames: a writer builds one, names the end of the log that it believes in,
// and loses to whoever was there first.
func ExampleLog() {
	log := memlog.New(eventstore.NewIdentity(1))
	ctx := context.Background()
	_, end, err := log.Last(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	frame := eventstore.NewFrameBuilder(end.Sequence+1, new(merkle.Tree).Root(), 1_000)
	for _, event := range []string{"opened", "amended"} {
		if err := frame.Append(1_000, []byte(event)); err != nil {
			fmt.Println(err)
			return
		}
	}
	tail, err := log.Append(ctx, frame.Bytes(), end)
	fmt.Println("the log ends with event", tail.Sequence, err)
	_, err = log.Append(ctx, frame.Bytes(), end)
	fmt.Println("a second writer is fenced:", errors.Is(err, eventstore.ErrFenced))
	for frame, err := range log.Read(ctx, 1) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for record := range frame.Records() {
			fmt.Printf("%d %s\n", record.Sequence, record.Event)
		}
	}
	// Output:
	// the log ends with event 2 <nil>
	// a second writer is fenced: true
	// 1 opened
	// 2 amended
}
