import { ActivitiesRenderer } from '@kinvolk/headlamp-plugin/lib/components/activity/Activity';
import RouteSwitcher from '@kinvolk/headlamp-plugin/lib/components/App/RouteSwitcher';
import Sidebar, { NavigationTabs } from '@kinvolk/headlamp-plugin/lib/components/Sidebar';
import { useTypedSelector } from '@kinvolk/headlamp-plugin/lib/redux/hooks';
import { Box, Container, CssBaseline } from '@mui/material';
import { TopBar } from './TopBar.tsx';
import { useBackendConfig } from './useBackendConfig.ts';

/** The frame around Headlamp's pages: bar, sidebar, page, and the windows (logs, terminals) below them. */
export function Layout() {
  useBackendConfig();
  const arePluginsLoaded = useTypedSelector((state) => state.plugins.loaded);
  const isFullWidth = useTypedSelector((state) => state.ui.isFullWidth);
  return (
    <>
      <CssBaseline enableColorScheme />
      <Box sx={{ display: 'flex', flexDirection: 'column', height: '100dvh' }}>
        <TopBar />
        <Box
          sx={{
            display: 'grid',
            flexGrow: 1,
            gridTemplateColumns: 'min-content 1fr',
            gridTemplateRows: '1fr min-content',
            overflow: 'hidden',
            position: 'relative',
          }}
        >
          <Sidebar />
          <Box
            component="main"
            sx={{
              gridColumn: '2 / 3',
              gridRow: '1 / 2',
              minHeight: 0,
              overflow: 'auto',
              position: 'relative',
            }}
          >
            <Container
              maxWidth={isFullWidth ? false : 'xl'}
              disableGutters={isFullWidth}
              sx={{ height: '100%' }}
            >
              <NavigationTabs />
              {arePluginsLoaded && <RouteSwitcher requiresToken={() => true} />}
            </Container>
          </Box>
          <ActivitiesRenderer />
        </Box>
      </Box>
    </>
  );
}
