#include "textflag.h"

// func prefetch(addresses *unsafe.Pointer, n int, last uintptr)
TEXT ·prefetch(SB), NOSPLIT, $0-24
	MOVQ addresses+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ last+16(FP), DX
	JMP  check

next:
	MOVQ       (SI), AX
	PREFETCHT0 (AX)
	PREFETCHT0 (AX)(DX*1)
	ADDQ       $8, SI
	DECQ       CX

check:
	TESTQ CX, CX
	JNZ   next
	RET
