import type { Clock } from '../foundation/clock.ts';
import type { ReviewKind, ReviewMetrics, ReviewOutcome } from '../telemetry/reviewMetrics.ts';
import type { HubReviews } from './hubReviews.ts';

/** The same reviews, each of them counted. */
export function measureReviews(
  reviews: HubReviews,
  { clock, metrics }: { readonly clock: Clock; readonly metrics: ReviewMetrics },
): HubReviews {
  const measure = async <Answer>(
    kind: ReviewKind,
    asked: Promise<Answer>,
    outcomeOf: (answer: Answer) => ReviewOutcome,
  ): Promise<Answer> => {
    const startedAt = clock.now();
    let outcome: ReviewOutcome = 'unavailable';
    try {
      const answer = await asked;
      outcome = outcomeOf(answer);
      return answer;
    } finally {
      metrics.reviewed(kind, outcome, Math.max(clock.now() - startedAt, 0));
    }
  };
  return {
    reviewToken: (token) =>
      measure('token', reviews.reviewToken(token), (user) => (user === undefined ? 'no' : 'yes')),
    mayAccess: (user, attributes) =>
      measure('access', reviews.mayAccess(user, attributes), (allowed) => (allowed ? 'yes' : 'no')),
    listRules: (token, namespace) => measure('rules', reviews.listRules(token, namespace), () => 'yes'),
  };
}
