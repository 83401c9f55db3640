import fc from 'fast-check';

/**
 * Mocha loads this first. Property tests try the same cases in each run, so that a failing run says something of the
 * change and not of the draw; `make fuzz` sets SEED to draw others.
 */
fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });
