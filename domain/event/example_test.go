package event_test

import (
	"fmt"

	"cakupan/domain/event"
)

// A type is known by its full name alone, which is what publishers send.
func ExampleParseType() {
	t, known := event.ParseType("id.cakupan.enrolment.opened.v1")
	fmt.Println(t == event.EnrolmentOpened, known)
	fmt.Println(t.Name())
	_, known = event.ParseType("enrolment.opened.v1")
	fmt.Println(known)
	// Output:
	// true true
	// id.cakupan.enrolment.opened.v1
	// false
}

// The answer names the rule that is broken, and never the number.
func ExampleCheckNIK() {
	fmt.Printf("%q\n", event.CheckNIK("7503011501900001"))
	fmt.Println(event.CheckNIK("7503013102900001"))
	// Output:
	// ""
	// the 7th to 12th digit of a NIK are a date of birth that some century's calendar has
}

// What may hold a NIK is masked before anybody reads it: who looks for the row still finds it.
func ExampleMaskNIK() {
	fmt.Println(event.MaskNIK("row 12: 7503011501900001 is there twice"))
	fmt.Println(event.HasNIK("receipt 7503 0115 0190 0001"))
	// Output:
	// row 12: 750301********** is there twice
	// true
}

// Every field of a type says how it must be filled in.
func ExampleType_Uses() {
	for _, use := range event.EnrolmentReinstated.Uses() {
		fmt.Println(use.Field.Name())
	}
	// Output:
	// enrolment
	// from
}
