import { AppLogo } from '@kinvolk/headlamp-plugin/lib/components/App/AppLogo';
import { useTypedSelector } from '@kinvolk/headlamp-plugin/lib/redux/hooks';
import { setWhetherSidebarOpen } from '@kinvolk/headlamp-plugin/lib/components/Sidebar/sidebarSlice';
import { Icon } from '@iconify/react';
import { AppBar, IconButton, Toolbar, useMediaQuery } from '@mui/material';
import { createElement, type FunctionComponent } from 'react';
import { useTranslation } from 'react-i18next';
import { useDispatch } from 'react-redux';
import { Link } from 'react-router-dom';

/** Stands in for Headlamp's own bar, which its package lacks: the way home, plugins' actions, and the sidebar on small screens. */
export function TopBar() {
  const { t } = useTranslation();
  const dispatch = useDispatch();
  const isSidebarOpen = useTypedSelector((state) => state.sidebar.isSidebarOpen);
  const appBarActions = useTypedSelector((state) => state.actionButtons.appBarActions);
  const isSmall = useMediaQuery('(max-width:599px)');
  return (
    <AppBar position="static" elevation={0} sx={{ bgcolor: 'navbar.background', color: 'navbar.color' }}>
      <Toolbar variant="dense">
        {isSmall && (
          <IconButton
            color="inherit"
            edge="start"
            aria-label={t('translation|Navigation')}
            aria-expanded={isSidebarOpen}
            onClick={() => dispatch(setWhetherSidebarOpen(!isSidebarOpen))}
          >
            <Icon icon="mdi:format-list-bulleted" />
          </IconButton>
        )}
        <Link to="/" aria-label={t('translation|Home')}>
          <AppLogo logoType="large" />
        </Link>
        {appBarActions.map((action: unknown, index) =>
          isComponent(action) ? createElement(action, { key: index }) : null,
        )}
      </Toolbar>
    </AppBar>
  );
}

/** As plugins register them, whatever the types say. */
function isComponent(action: unknown): action is FunctionComponent {
  return typeof action === 'function';
}
