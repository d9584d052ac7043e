/** The business the page is about, kept up to date when it is switched anywhere on the page. */
import { useStore } from '@nanostores/react';
import { $businessId } from '../lib/auth';
import { $requestedId, type Choice, chooseBusiness } from '../lib/business';
import type { Membership } from '../lib/types';

export function useChoice(businesses: Membership[]): Choice {
  return chooseBusiness(businesses, useStore($requestedId), useStore($businessId));
}
