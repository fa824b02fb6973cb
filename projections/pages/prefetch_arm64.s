#include "textflag.h"

// func prefetch(addresses *unsafe.Pointer, n int, last uintptr)
TEXT ·prefetch(SB), NOSPLIT, $0-24
	MOVD addresses+0(FP), R0
	MOVD n+8(FP), R1
	MOVD last+16(FP), R2
	B    check

next:
	MOVD.P 8(R0), R3
	ADD    R3, R2, R4
	PRFM   (R3), PLDL1KEEP
	PRFM   (R4), PLDL1KEEP
	SUB    $1, R1

check:
	CBNZ R1, next
	RET
