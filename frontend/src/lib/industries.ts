/** The industries the API knows, with the names a reader sees. */
import type { Industry } from './types';

export const INDUSTRIES: Record<Industry, string> = {
  retail: 'Retail',
  ecommerce: 'Online shop',
  software: 'Software',
  services: 'Services',
  food_and_beverage: 'Food and drink',
  health: 'Health',
  education: 'Education',
  manufacturing: 'Manufacturing',
  construction: 'Construction',
  hospitality: 'Hospitality',
  transport: 'Transport',
  media: 'Media',
  nonprofit: 'Nonprofit',
  other: 'Other',
};
