/** The header's business selector: shows the current business and switches the page to another. */
import { switchBusiness } from '../lib/business';
import BusinessSelector from './BusinessSelector';
import { useChoice } from './useChoice';
import { useCurrentUser } from './useCurrentUser';

export default function BusinessSwitcher() {
  const me = useCurrentUser();
  const businesses = me.data?.businesses ?? [];
  const choice = useChoice(businesses);
  if (me.isPending) return <div className="skel h-11 w-full rounded-[10px]" />;
  return (
    <BusinessSelector
      businesses={businesses}
      currentId={choice.kind === 'chosen' ? choice.business.id : ''}
      onChange={switchBusiness}
    />
  );
}
