/** Exit codes of `homerun unpack` by what a person can do: mend the archive, or wait (sysexits.h: EX_DATAERR, EX_TEMPFAIL). */
export const EXIT = { refused: 65, later: 75 } as const;
