/** The score on the landing page: what the scoring code gives for the worked example of a steady two-year-old shop. */
import example from './example.json';
import type { Readiness } from './types';

export const EXAMPLE_READINESS: Readiness = example as Readiness;
