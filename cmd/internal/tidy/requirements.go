//go:build requirements

// Package tidy holds the house rules that a machine can check: see the test.
package tidy

// What the project's owner requires of go.mod and nothing imports yet: Watermill, which will
// carry messages in from NATS and notices out. The import keeps its version chosen and checked
// until then; no build has this constraint.
import _ "github.com/ThreeDotsLabs/watermill/message"
